import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

const watchdog = new URL('../src/file-watchdog.ts', import.meta.url).href

test('a process that something keeps alive past its time ends as failed and says by what; others end by themselves', () => {
  const run = (code: string) =>
    spawnSync(process.execPath, ['--import', watchdog, '--eval', code], {
      env: { ...process.env, GPTLOAD_FILE_TIMEOUT_MS: '300' },
      encoding: 'utf8',
      timeout: 20_000,
    })
  const kept = run('setInterval(() => {}, 50)')
  assert.equal(kept.status, 1)
  assert.match(kept.stderr, /still runs after 0\.3 s; it is kept alive by: .*Timeout/)
  assert.deepEqual([run('0').status, run('0').stderr], [0, ''])
})
