import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startProcess } from '../src/child-process.ts'
import { until } from '../src/until.ts'

const node = (script: string) => ({ name: 'child', command: process.execPath, args: ['-e', script] })
const FOREVER = 'setInterval(() => {}, 1000)'

test('is ready when a line matches, and keeps its output', async () => {
  await using child = await startProcess({
    ...node(`console.log('port 1234'); ${FOREVER}`),
    readyPattern: /^port (\d+)$/,
  })
  assert.equal((await child.line(/port (\d+)/))[1], '1234')
  assert.equal(child.output(), 'port 1234')
  assert.ok(child.isRunning)
})

test('a child that ends before it is ready fails with its exit code and its output', async () => {
  const dying = node(`console.error('bad config'); process.exit(3)`)
  await assert.rejects(startProcess({ ...dying, readyPattern: /ready/ }), /exit code 3.*bad config/s)
  await assert.rejects(startProcess({ ...dying, ready: async () => false }), /exit code 3.*bad config/s)
})

test('a command that does not exist fails', async () => {
  const missing = { name: 'x', command: join(import.meta.dirname, 'no-such-command'), readyPattern: /^ready$/ }
  await assert.rejects(startProcess(missing), /x did not start/)
})

test('stop asks with SIGTERM and then kills', async () => {
  const polite = await startProcess({
    ...node(`process.on('SIGTERM', () => process.exit(7)); console.log('up'); ${FOREVER}`),
    readyPattern: /up/,
  })
  assert.deepEqual(await polite.stop(), { code: 7, signal: null })
  const stubborn = await startProcess({
    ...node(`process.on('SIGTERM', () => {}); console.log('up'); ${FOREVER}`),
    readyPattern: /up/,
  })
  assert.deepEqual(await stubborn.stop(50), { code: null, signal: 'SIGKILL' })
})

for (const [end, signal] of [
  ['killed', 'SIGKILL'],
  ['ended', 'SIGTERM'],
] as const) {
  test(`children die with a parent that is ${end} by ${signal}`, { skip: process.platform !== 'linux' }, async () => {
    const module = join(import.meta.dirname, '../src/child-process.ts')
    const parent = spawn(process.execPath, ['-e', parentScript(module)], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [bytes] = (await once(parent.stdout, 'data')) as [Buffer]
    const pid = Number(bytes.toString())
    assert.ok(existsSync(`/proc/${pid}`))
    parent.kill(signal)
    await until(() => !isRunning(pid), { what: 'the child to die', timeoutMs: 20_000 })
  })
}

function parentScript(module: string): string {
  return `import('${module}').then(async ({ startProcess }) => {
    // Running, so that its parent's death is watched already.
    const child = await startProcess({ name: 'c', command: 'sh', args: ['-c', 'echo up; exec sleep 100'], readyPattern: /up/ })
    console.log(child.pid)
  })`
}

/** A dead child whose new parent does not reap stays as a zombie. */
function isRunning(pid: number): boolean {
  if (!existsSync(`/proc/${pid}`)) return false
  return !execFileSync('sh', ['-c', `cat /proc/${pid}/stat 2>/dev/null || true`])
    .toString()
    .includes(') Z')
}
