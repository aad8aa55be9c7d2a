import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError } from '../src/config-error.ts'
import { withDotenvFile } from '../src/dotenv-file.ts'

function failing(code: string): () => never {
  return () => {
    throw Object.assign(new Error(code), { code })
  }
}

test('the file completes the environment, and the environment wins, also when it is empty', () => {
  const readFile = (path: string) => {
    assert.equal(path, '/app/.env')
    return '\uFEFFPORT=4000\n# comment\nexport AUTH_KEY="with space" # trailing\nEMPTY=x\n'
  }
  const source = withDotenvFile({ PORT: '5000', EMPTY: '', UNSET: undefined }, { directory: '/app', readFile })
  assert.deepEqual({ ...source }, { PORT: '5000', EMPTY: '', AUTH_KEY: 'with space' })
})

test('no file is no error', () => {
  assert.deepEqual({ ...withDotenvFile({ A: '1' }, { directory: '/app', readFile: failing('ENOENT') }) }, { A: '1' })
})

test('a file that cannot be read is a ConfigError with its path', () => {
  assert.throws(
    () => withDotenvFile({}, { directory: '/app', readFile: failing('EACCES') }),
    (error) => {
      return error instanceof ConfigError && error.message.includes('/app/.env (EACCES)')
    },
  )
})
