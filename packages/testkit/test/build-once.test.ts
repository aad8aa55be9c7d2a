import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { buildOnce } from '../src/servers/build-once.ts'
import { cacheDir } from '../src/servers/cache-dir.ts'
import { runCommand } from '../src/servers/run-command.ts'

async function scratchDir(context: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'build-once-'))
  context.after(() => rm(dir, { recursive: true }))
  return dir
}

test('of many that want the same thing one builds and says so', async (context) => {
  const path = join(await scratchDir(context), 'thing')
  const lines: string[] = []
  let builds = 0
  const build = async (file: string) => {
    builds++
    assert.ok(!existsSync(path))
    await writeFile(file, 'built')
  }
  const wanted = { path, what: 'a thing', build, report: (line: string) => void lines.push(line) }
  await Promise.all(Array.from({ length: 5 }, () => buildOnce(wanted)))
  assert.equal(builds, 1)
  assert.equal(await readFile(path, 'utf8'), 'built')
  assert.match(lines.join('\n'), /^installing a thing …\ninstalled a thing in \d+\.\d s$/)
})

test('a failed build leaves nothing under the final name and the next one succeeds', async (context) => {
  const path = join(await scratchDir(context), 'thing')
  const broken = async (file: string) => {
    await writeFile(file, 'half')
    throw new Error('no network')
  }
  const report = () => undefined
  await assert.rejects(buildOnce({ path, what: 'x', build: broken, report }), /no network/)
  assert.ok(!existsSync(path))
  await buildOnce({ path, what: 'x', build: (file) => writeFile(file, 'whole'), report })
  assert.equal(await readFile(path, 'utf8'), 'whole')
})

test('the lock of a process that died is taken over', async (context) => {
  const path = join(await scratchDir(context), 'thing')
  const pid = (await runCommand('sh', ['-c', 'echo $$'])).trim()
  await writeFile(`${path}.lock`, pid)
  await buildOnce({ path, what: 'x', build: (file) => writeFile(file, 'y'), report: () => undefined })
  assert.ok(existsSync(path))
})

test('without a home the cache is a directory of the user in the temporary directory', (context) => {
  const before = { home: process.env['HOME'], xdg: process.env['XDG_CACHE_HOME'] }
  context.after(() => {
    process.env['HOME'] = before.home
    if (before.xdg !== undefined) process.env['XDG_CACHE_HOME'] = before.xdg
  })
  delete process.env['XDG_CACHE_HOME']
  process.env['HOME'] = ''
  assert.ok(cacheDir().startsWith(tmpdir()))
})
