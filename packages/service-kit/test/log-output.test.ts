import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const writeLines = fileURLToPath(new URL('fixtures/write-lines.ts', import.meta.url))

test('every line reaches a pipe whole and in order before the process ends', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [writeLines, '20000'], { maxBuffer: 64 * 1024 * 1024 })
  const numbers = stdout
    .trim()
    .split('\n')
    .map((line) => Number(/ written line=(\d+)$/.exec(line)?.[1]))
  assert.deepEqual(
    numbers,
    Array.from({ length: 20_000 }, (_, index) => index),
  )
})

test('flush writes what waits before a process dies', async () => {
  // More than a pipe holds, read by somebody who is slow at first.
  const script = '"$0" "$1" 5000 flush | { sleep 0.3; wc -l; }'
  const { stdout } = await promisify(execFile)('sh', ['-c', script, process.execPath, writeLines])
  assert.equal(Number(stdout), 5_000)
})

test('a reader that went away costs lines, not the process', async () => {
  const child = spawn(process.execPath, [writeLines, '20000'], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000 })
  child.stdout.destroy()
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (stderr += text))
  const [code] = await once(child, 'close')
  assert.equal(code, 0)
  assert.match(stderr, /^dropped [1-9]\d*\n$/)
})

test('a reader that does not read stalls nothing: lines past the bound are dropped and counted, the end still comes', async (context) => {
  // A pipe of the shell, as a container engine makes one; Node's own "pipe" is a pair of sockets.
  const script = '{ "$0" "$1" 200000; echo "exit $?" >&2; } | sleep 60'
  const shell = spawn('sh', ['-c', script, process.execPath, writeLines], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  })
  context.after(() => process.kill(-(shell.pid as number), 'SIGKILL'))
  let stderr = ''
  for await (const text of shell.stderr.setEncoding('utf8')) {
    stderr += text
    if (stderr.includes('exit')) break
  }
  assert.match(stderr, /^dropped [1-9]\d*\nexit 0\n$/)
})
