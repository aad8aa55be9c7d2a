// The requests of steady-load.ts, in a process of their own: what the benchmark is busy with is no latency of a gateway.

import { Agent, request } from 'node:http'
import type { Endpoint } from '../contenders/gateway.ts'
import { requestBody } from './payloads.ts'
import type { SteadyLoadWindow } from './steady-load.ts'

const { endpoint, perSecond } = JSON.parse(process.argv[2] ?? '') as { endpoint: Endpoint; perSecond: number }
const agent = new Agent({ keepAlive: true, maxSockets: perSecond })
const headers = { ...Object.fromEntries(endpoint.headers), 'content-length': String(requestBody.length) }
const firstWords = 200
let tookMs: number[] = []
let failures: string[] = []

/** Milliseconds until the whole answer was read. */
function callOnce(): void {
  const sentAtMs = performance.now()
  const { host, port, path } = endpoint
  const call = request({ agent, host, port, path, method: 'POST', headers }, (answer) => {
    let text = ''
    answer.on('data', (piece: Buffer) => (text += piece.toString()))
    answer.on('end', () => {
      if (answer.statusCode === 200) tookMs.push(performance.now() - sentAtMs)
      else failures.push(`${answer.statusCode}: ${text.slice(0, firstWords)}`)
    })
    answer.on('error', (error) => failures.push(error.message))
  })
  call.on('error', (error) => failures.push(error.message))
  call.end(requestBody)
}

/** Sent when they are due, however long the answers take. */
const startedAtMs = performance.now()
let sent = 0
const timer = setInterval(() => {
  const due = ((performance.now() - startedAtMs) * perSecond) / 1_000
  for (; sent < due; sent += 1) callOnce()
}, 1)

process.on('message', (message: 'take' | 'stop') => {
  if (message === 'take') {
    const window: SteadyLoadWindow = { tookMs, failures }
    process.send?.(window)
    tookMs = []
    failures = []
    return
  }
  clearInterval(timer)
  agent.destroy()
  process.disconnect?.()
})
// Its parent is gone.
process.on('disconnect', () => process.exit())
