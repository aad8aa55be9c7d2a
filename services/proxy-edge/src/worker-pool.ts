// Starts the data-plane workers, replaces those that die, and is the only place that talks to them. The first worker to
// listen fixes the port, the others share it (reusePort). A worker's place in the world is its *seat*: a number that is
// never given twice in the life of the process, since log sequences and lock ownership hang on it.
// Invariant: what a dead worker held is settled before its successor starts: locks repaired, streams and unsent records
// counted. Three deaths within a minute end the process: restarting for ever would hide a bug.

import { once } from 'node:events'
import { createServer } from 'node:net'
import { Worker } from 'node:worker_threads'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import { mainOwner } from './data-plane/key-table/writer-lock.ts'
import { counterNames, createCounterBuffer, sumCounters, type CounterName } from './data-plane/observe/counters.ts'
import { openRequestsBytes } from './data-plane/request-gate.ts'
import type { WorkerOptions } from './data-plane/worker-options.ts'
import type { FromWorker, PolicyUpdate, ToWorker, WorkerCommand } from './worker-protocol.ts'

const deathWindowMs = 60_000
const maxDeathsInWindow = 3
/** A worker that answers nothing any more is ended. */
const stopTimeoutMs = 2_000

export type WorkerSeat = {
  /** Unique in the process; the owner number of its locks. */
  number: number
  port: number
  isReusePort: boolean
  counters: SharedArrayBuffer
  /** Requests that it has open, by group (data-plane/request-gate.ts). */
  ownRequests: SharedArrayBuffer
}

export type WorkerDeath = { seat: WorkerSeat; openRequests: number; finishedRequests: number }

export type WorkerPoolOptions = {
  count: number
  host: string
  /** 0 = any free one. */
  port: number
  entry: URL
  workerData(seat: WorkerSeat): WorkerOptions
  /** All policies, for a new worker; null before there are any. */
  greet(): PolicyUpdate | null
  onMessage(seat: WorkerSeat, message: FromWorker): void
  /** Settles what the dead worker held. */
  onDeath(death: WorkerDeath): void
  /** The process cannot go on. */
  fail(error: unknown): void
  clock: Clock
  logger: Logger
}

export interface WorkerPool {
  /** Resolves when every worker listens; rejects with what kept the first one from it. */
  start(): Promise<{ port: number }>
  broadcast(message: WorkerCommand): void
  sendPolicies(update: PolicyUpdate): void
  /** Resolves when every worker has in force what was sent so far. */
  policiesInForce(): Promise<void>
  counters(): Record<CounterName, number>
  /** Resolves when no worker accepts any more. */
  stopAccepting(): Promise<void>
  /** Ends all workers; what they have recorded is handed over before. */
  close(): Promise<void>
  /** Workers that listen. */
  readonly running: number
  readonly deaths: number
  /** Requests that were open when their worker died. */
  readonly lostRequests: number
}

type Member = {
  seat: WorkerSeat
  worker: Worker
  listening: PromiseWithResolvers<number>
  stopped: PromiseWithResolvers<void>
  exited: Promise<unknown>
  /** Number of the policies that it has in force. */
  applied: number
  isListening: boolean
}

export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const { clock, logger } = options
  const members = new Set<Member>()
  const retired = createCounterBuffer()
  let { port } = options
  let nextNumber = mainOwner + 1
  let recentDeaths: number[] = []
  let deaths = 0
  let lostRequests = 0
  let isAccepting = true
  let isClosing = false
  let lastPolicies = 0
  let waiters: { number: number; resolve(): void }[] = []

  function spawn(): Member {
    const isReusePort = options.count > 1
    const ownRequests = new SharedArrayBuffer(openRequestsBytes)
    const seat: WorkerSeat = { number: nextNumber, port, isReusePort, counters: createCounterBuffer(), ownRequests }
    nextNumber += 1
    const worker = new Worker(options.entry, {
      workerData: options.workerData(seat),
      name: `data-plane-${seat.number}`,
    })
    const member: Member = {
      seat,
      worker,
      listening: Promise.withResolvers<number>(),
      stopped: Promise.withResolvers<void>(),
      exited: once(worker, 'exit'),
      applied: 0,
      isListening: false,
    }
    member.listening.promise.catch(() => undefined)
    worker.on('message', (message: FromWorker) => receive(member, message))
    worker.on('error', (error) => {
      member.listening.reject(error)
      logger.error({ err: error, worker: seat.number }, 'a data-plane worker failed')
    })
    worker.on('exit', (code) => leave(member, code))
    members.add(member)
    greet(member)
    return member
  }

  function greet({ worker }: Member): void {
    const update = options.greet()
    if (update !== null) worker.postMessage({ type: 'policies', number: lastPolicies, update } satisfies ToWorker)
  }

  function areInForce(number: number): boolean {
    return [...members].every(({ applied }) => applied >= number)
  }

  function wakeWaiters(): void {
    const due = waiters.filter(({ number }) => areInForce(number))
    waiters = waiters.filter((waiter) => !due.includes(waiter))
    for (const { resolve } of due) resolve()
  }

  function receive(member: Member, message: FromWorker): void {
    if (message.type === 'policies_applied') {
      member.applied = message.number
      wakeWaiters()
    } else if (message.type === 'listening') {
      member.isListening = true
      member.listening.resolve(message.port)
    }
    if (message.type === 'stopped_accepting') member.stopped.resolve()
    else if (message.type === 'failed') {
      const { code, message: text } = message
      const { port: wanted } = member.seat
      member.listening.reject(
        Object.assign(new Error(text), { code, syscall: 'listen', port: wanted, address: options.host }),
      )
    }
    options.onMessage(member.seat, message)
  }

  function leave(member: Member, code: number): void {
    members.delete(member)
    wakeWaiters()
    member.listening.reject(new Error(`a data-plane worker ended with ${code} before it listened`))
    member.stopped.resolve()
    const openRequests = retire(member.seat.counters)
    if (isClosing) return
    deaths += 1
    lostRequests += openRequests
    logger.error({ worker: member.seat.number, code, open_requests: openRequests }, 'a data-plane worker died')
    const { requests } = sumCounters([member.seat.counters])
    options.onDeath({ seat: member.seat, openRequests, finishedRequests: requests - openRequests })
    if (isAccepting) replace()
  }

  /** Its counts stay in the totals, its open requests do not. */
  function retire(counters: SharedArrayBuffer): number {
    const from = new Float64Array(counters)
    const to = new Float64Array(retired)
    const openIndex = counterNames.indexOf('in_flight')
    const lastIndex = counterNames.indexOf('last_request_at_ms')
    const openRequests = from[openIndex] ?? 0
    for (let index = 0; index < to.length; index += 1) {
      if (index === lastIndex) to[index] = Math.max(to[index] ?? 0, from[index] ?? 0)
      else if (index !== openIndex) to[index] = (to[index] ?? 0) + (from[index] ?? 0)
    }
    return openRequests
  }

  function replace(): void {
    const now = clock.monotonicMs()
    recentDeaths = [...recentDeaths.filter((at) => now - at < deathWindowMs), now]
    if (recentDeaths.length >= maxDeathsInWindow) {
      return options.fail(new Error(`${recentDeaths.length} data-plane workers died within a minute`))
    }
    const member = spawn()
    member.listening.promise.catch((error: unknown) =>
      logger.error({ err: error }, 'a new data-plane worker does not listen'),
    )
  }

  async function start(): Promise<{ port: number }> {
    if (options.count > 1 && port !== 0) await assertFree(options.host, port)
    const first = spawn()
    port = await first.listening.promise
    const others = Array.from({ length: options.count - 1 }, () => spawn().listening.promise)
    await Promise.all(others)
    return { port }
  }

  const liveCounters = () => [retired, ...[...members].map(({ seat }) => seat.counters)]
  const broadcast = (message: ToWorker): void => members.forEach(({ worker }) => worker.postMessage(message))

  return {
    start,
    broadcast,
    sendPolicies(update) {
      lastPolicies += 1
      broadcast({ type: 'policies', number: lastPolicies, update })
    },
    policiesInForce() {
      const number = lastPolicies
      if (areInForce(number)) return Promise.resolve()
      return new Promise((resolve) => waiters.push({ number, resolve }))
    },
    counters: () => sumCounters(liveCounters()),
    async stopAccepting() {
      isAccepting = false
      broadcast({ type: 'stop_accepting' })
      const all = Promise.all([...members].map(({ stopped }) => stopped.promise))
      await within(all, stopTimeoutMs, clock)
    },
    async close() {
      isAccepting = false
      isClosing = true
      broadcast({ type: 'close' })
      await within(Promise.all([...members].map(({ exited }) => exited)), stopTimeoutMs, clock)
      await Promise.all([...members].map(({ worker }) => worker.terminate()))
    },
    get running() {
      return [...members].filter(({ isListening }) => isListening).length
    },
    get deaths() {
      return deaths
    },
    get lostRequests() {
      return lostRequests
    },
  }
}

/** With reusePort a second process on the same port would not fail but share it. */
async function assertFree(host: string, port: number): Promise<void> {
  const probe = createServer()
  probe.listen({ host, port, exclusive: true })
  await once(probe, 'listening')
  probe.close()
  await once(probe, 'close')
}

async function within(work: Promise<unknown>, timeoutMs: number, clock: Clock): Promise<void> {
  const over = new AbortController()
  await Promise.race([work, clock.sleep(timeoutMs, over.signal)])
  over.abort()
}
