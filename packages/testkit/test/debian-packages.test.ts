import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { unpackDebianPackages } from '../src/servers/debian-packages.ts'
import { debianSource } from '../src/servers/debian-source.ts'
import { lookUpBinary } from '../src/servers/find-binary.ts'
import { freePort } from '../src/servers/free-port.ts'

async function scratchDir(context: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'debian-'))
  context.after(() => rm(dir, { recursive: true }))
  return dir
}

async function aptDir(context: TestContext, files: Record<string, string>): Promise<string> {
  const dir = await scratchDir(context)
  await mkdir(join(dir, 'sources.list.d'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text)
  return dir
}

test("the machine's mirror and key are taken for another suite, in either form, not those of others", async (context) => {
  const security =
    'Types: deb\nURIs: http://deb.debian.org/debian-security\nSuites: bookworm-security\nComponents: main\n'
  const debian =
    '# a note\nTypes: deb deb-src\nURIs: http://mirror.test/debian/\nSuites: bookworm bookworm-updates\nComponents: main contrib\nSigned-By:\n a key\n of two lines\n'
  const stanzas = await aptDir(context, { 'sources.list.d/debian.sources': `${security}\n${debian}` })
  assert.equal(
    await debianSource('sid', stanzas),
    'Types: deb\nURIs: http://mirror.test/debian/\nSuites: sid\nComponents: main\nTargets: Packages\nSigned-By:\n a key\n of two lines\n\n',
  )
  const lines = await aptDir(context, {
    'sources.list':
      '# deb http://off.test/debian bookworm main\ndeb [arch=amd64 signed-by=/k.gpg] https://mirror.test/debian bookworm main\n',
  })
  const expected =
    'Types: deb\nURIs: https://mirror.test/debian\nSuites: sid\nComponents: main\nTargets: Packages\nSigned-By: /k.gpg\n'
  assert.equal(await debianSource('sid', lines), expected)
  const none = await aptDir(context, {
    'sources.list': 'deb http://archive.ubuntu.com/ubuntu noble main\n',
    'sources.list.d/debian.list.disabled': 'deb http://off.test/debian sid main\n',
  })
  await assert.rejects(debianSource('sid', none), /names no Debian mirror/)
})

const skip = lookUpBinary('apt-get') === undefined && 'no apt-get here'
test('a mirror that is away fails with what apt says, and leaves no download behind', { skip }, async (context) => {
  const dir = await scratchDir(context)
  const [root, scratch] = [join(dir, 'root'), join(dir, 'apt')]
  const source = `Types: deb\nURIs: http://127.0.0.1:${await freePort()}/debian\nSuites: sid\nComponents: main\n`
  const unpacking = unpackDebianPackages({
    source,
    packages: ['mysql-server-core'],
    without: /^perl/,
    root,
    scratchDir: scratch,
    signal: AbortSignal.timeout(60_000),
  })
  await assert.rejects(unpacking, ({ message }: Error) => !message.includes('\n') && message.length > 10)
  assert.deepEqual([existsSync(root), existsSync(scratch)], [false, false])
})
