import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openDataDir } from '../src/data-dir.ts'
import { readOrCreateSecret, readSecret, writeSecret } from '../src/secret-file.ts'

const dir = await mkdtemp(join(tmpdir(), 'gpt-load-secret-'))
after(() => rm(dir, { recursive: true, force: true }))
const modeOf = async (path: string) => (await stat(path)).mode & 0o777

test('a secret is made once, readable by its owner only', async () => {
  const path = join(dir, 'master-key')
  const secret = await readOrCreateSecret(path)
  assert.ok(Buffer.from(secret, 'base64url').length === 32)
  assert.equal(await readOrCreateSecret(path), secret)
  assert.equal((await readFile(path, 'utf8')).trim(), secret)
  assert.equal(await modeOf(path), 0o600)
})

test('reading a secret that others could read closes it to them', async () => {
  const path = join(dir, 'open')
  await writeFile(path, 'a-secret-of-somebody\n', { mode: 0o644 })
  await chmod(path, 0o644)
  assert.equal(await readSecret(path), 'a-secret-of-somebody')
  assert.equal(await modeOf(path), 0o600)
})

test('an empty file is refused, since a new secret would not open what the old one closed', async () => {
  const path = join(dir, 'empty')
  await writeFile(path, '\n')
  await assert.rejects(readOrCreateSecret(path), /is empty/)
  assert.equal(await readSecret(join(dir, 'absent')), null)
})

test('a file that cannot be put in its place leaves no draft behind', async () => {
  const folder = await mkdtemp(join(dir, 'blocked-'))
  await openDataDir(join(folder, 'in-the-way', 'below'))
  await assert.rejects(writeSecret(join(folder, 'in-the-way'), 'secret'), { code: /EISDIR|ENOTEMPTY|EEXIST/ })
  assert.deepEqual(await readdir(folder), ['in-the-way'])
})
