// Preloaded into every test file's process: one that goes on after its time (a handle that nobody closed, a server that nobody
// stopped) ends as failed. The runner's own timeout ends tests, not what keeps a process alive after them.

import { writeSync } from 'node:fs'

const timeoutMs = Number(process.env['GPTLOAD_FILE_TIMEOUT_MS'])
if (!(timeoutMs > 0)) throw new Error('GPTLOAD_FILE_TIMEOUT_MS is not set')

setTimeout(() => {
  const kinds = process.getActiveResourcesInfo().join(', ')
  writeSync(2, `this test file still runs after ${timeoutMs / 1_000} s; it is kept alive by: ${kinds}\n`)
  process.exit(1)
}, timeoutMs).unref()
