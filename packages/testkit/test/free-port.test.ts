import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { freePorts } from '../src/servers/free-port.ts'

const many = 2_000

/** Says which ports it was given, and lives until its input ends. */
function startTaker() {
  const module = new URL('../src/servers/free-port.ts', import.meta.url).href
  const script = `const { freePorts } = await import(${JSON.stringify(module)})
    console.log(JSON.stringify(await freePorts(${many})))
    process.stdin.resume()`
  const taker = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  const line = once(createInterface(taker.stdout), 'line')
  return {
    ports: async () => JSON.parse((await line)[0] as string) as number[],
    end: () => {
      taker.stdin.end()
      return once(taker, 'exit')
    },
  }
}

test('no port is given twice, in one process or in several at once, before anyone listens on it', async () => {
  const takers = [startTaker(), startTaker()]
  const given = await Promise.all(takers.map((taker) => taker.ports()))
  const mine = [...(await freePorts(100)), ...(await freePorts(100))]
  await Promise.all(takers.map((taker) => taker.end()))
  const all = [...given.flat(), ...mine]
  assert.equal(new Set(all).size, 2 * many + 200)
})
