import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const fixture = fileURLToPath(new URL('fixtures/process.ts', import.meta.url))

/** Runs the fixture; each signal is sent when its trigger has been printed. */
async function run(mode: string, signals: readonly (readonly [RegExp, NodeJS.Signals])[] = []) {
  const child = spawn(process.execPath, [fixture, mode], { stdio: ['ignore', 'pipe', 'pipe'] })
  const pending = [...signals]
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
      const next = pending[0]
      if (next?.[0].test(output.stdout + output.stderr)) child.kill(pending.shift()?.[1])
    })
  }
  const [code] = await once(child, 'close')
  return { code: code as number, ...output, all: output.stdout + output.stderr }
}

test('SIGTERM and SIGINT close everything in reverse order and exit 0', async () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const { code, stderr, stdout } = await run('plain', [[/ready/, signal]])
    assert.equal(code, 0)
    assert.equal(stderr, 'closed second\nclosed first\n')
    assert.match(stdout, new RegExp(`"signal":"${signal}","msg":"closing"`))
  }
})

test('SIGTERM during the start closes what is open already', async () => {
  const { code, stderr } = await run('slow-start', [[/ready/, 'SIGTERM']])
  assert.equal(code, 0)
  assert.equal(stderr, 'closed second\nclosed first\n')
})

test('a second signal exits at once with 143 or 130', async () => {
  for (const [signal, expected] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    const { code, stderr } = await run('hanging-close', [
      [/ready/, 'SIGTERM'],
      [/"msg":"closing"/, signal],
    ])
    assert.equal(code, expected)
    assert.equal(stderr, '')
  }
})

test('a ConfigError is one message without stack, exit 1, also before there is a log', async () => {
  const early = await run('early-config-error')
  assert.equal(early.code, 1)
  assert.equal(early.all, 'The configuration has a problem:\n  PORT is wrong\n    -> mend it\n')
  const late = await run('config-error')
  assert.equal(late.code, 1)
  assert.match(late.stderr, /KEY holds \[secret\]\n {4}-> mend it\nclosed second\nclosed first\n$/)
})

test('a port in use is one message without stack, exit 1', async () => {
  const { code, stderr } = await run('port-in-use')
  assert.equal(code, 1)
  assert.match(stderr, /^Port \d+ on 127\.0\.0\.1 is already in use\n {4}-> stop the other process/)
  assert.doesNotMatch(stderr, /at .*\.ts/)
})

test('a defect keeps its stack, is scrubbed, closes what is open, exit 1', async () => {
  const { code, all, stderr } = await run('defect')
  assert.equal(code, 1)
  assert.match(all, /"level":"fatal".*TypeError: \[secret\] is not a function.*process\.ts/)
  assert.match(stderr, /closed second\nclosed first/)
})

test('an exception or rejection that nobody caught is logged as fatal, scrubbed, exit 1', async () => {
  for (const mode of ['exception', 'rejection']) {
    const { code, all, stdout } = await run(mode)
    assert.equal(code, 1)
    assert.match(stdout, /"level":"fatal".*\[secret\] was/)
    assert.doesNotMatch(all, /canary/)
  }
})

test('fail() closes everything and exits 1', async () => {
  const { code, stdout, stderr } = await run('fail')
  assert.equal(code, 1)
  assert.match(stdout, /three workers died/)
  assert.equal(stderr, 'closed second\nclosed first\n')
})
