import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort } from '@gpt-load/testkit/servers/free-port'
import { until } from '@gpt-load/testkit/until'
import { temporaryFolder } from './support/standalone.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

test('what npm start began ends with npm: no shell stands between them', async () => {
  const port = await freePort()
  const env = { ...process.env, PORT: String(port), DATA_DIR: temporaryFolder(), AUTH_KEY: 'an-admin-key-of-my-own' }
  // A group of its own, so that nothing is left when this test fails.
  const npm = spawn('npm', ['start'], { cwd: root, env, stdio: 'ignore', detached: true })
  const exited = once(npm, 'exit')
  const isUp = async (): Promise<boolean> => {
    try {
      return (await fetch(`http://127.0.0.1:${port}/livez`)).ok
    } catch {
      return false
    }
  }
  try {
    await until(isUp, { what: 'the server', timeoutMs: 120_000, intervalMs: 100 })
    npm.kill('SIGTERM')
    await exited
    await until(async () => !(await isUp()), { what: 'the end of the server', timeoutMs: 15_000, intervalMs: 100 })
  } finally {
    try {
      process.kill(-npm.pid!, 'SIGKILL')
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH')
    }
  }
})
