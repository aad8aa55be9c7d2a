import { figure, percentile, type Figure, type Target } from '../figure.ts'
import { cpuSecondsOf } from '../lab/proc-stat.ts'
import { callAdmin, timedCall, type AdminApi } from '../load/admin-api.ts'
import { statusOf } from '../load/proxied-group.ts'
import type { SteadyLoad } from '../load/steady-load.ts'
import type { Endpoint } from '../contenders/gateway.ts'

/** What others feel while a task over very many keys runs: the admin API, callers of the proxy, and who revokes an access key. */
export type Surroundings = {
  api: AdminApi
  /** Processes by name. */
  pids: Readonly<Record<string, number>>
  /** Of another group, which is written to. */
  groupId: number
  calls: SteadyCalls
}

/**
 * The same calls all the time. `slow` and `proxied` go through the gateway, to an upstream that takes as long as a fast model,
 * and to one that answers at once; `straight` goes to the latter alone: what the machine makes of it.
 */
export type SteadyCalls = { endpoint: Endpoint; slow: SteadyLoad; proxied: SteadyLoad; straight: SteadyLoad }
export type CallLatencies = Record<'slow' | 'proxied' | 'straight', number[]>

export async function takeLatencies({ slow, proxied, straight }: SteadyCalls): Promise<CallLatencies> {
  return { slow: await slow.take(), proxied: await proxied.take(), straight: await straight.take() }
}

export type Beside = {
  seconds: number
  reads: number[]
  writes: number[]
  revocations: number[]
  latencies: CallLatencies
  cpuSeconds: Record<string, number>
}

/** Between two ordinary calls beside a task. */
const pauseMs = 20
const revocationPauseMs = 500
/** How often an edge is asked whether it still lets a revoked key in. */
const askEveryMs = 5
const ordinaryP99Ms = 200
const revokedWithinMs = 1_000
const proxiedRatio = 1.5

export async function beside(around: Surroundings, work: () => Promise<number>): Promise<Beside> {
  const { api, pids, groupId, calls } = around
  const task = { isOver: false }
  const seen = { reads: [] as number[], writes: [] as number[], revocations: [] as number[] }
  const before = cpuSecondsByName(pids)
  await takeLatencies(calls)
  const others = Promise.all([
    callWhile(task, api, groupId, seen),
    revokeWhile(task, api, calls.endpoint, seen.revocations),
  ])
  // One that fails is told after the task.
  others.catch(() => {})
  try {
    const seconds = await work()
    const latencies = await takeLatencies(calls)
    const after = cpuSecondsByName(pids)
    const spent = Object.keys(pids).map((name): [string, number] => [name, after[name]! - before[name]!])
    return { seconds, ...seen, latencies, cpuSeconds: Object.fromEntries(spent) }
  } finally {
    task.isOver = true
    await others
  }
}

type Task = { isOver: boolean }

/** Reads and writes of another group, one after the other. */
async function callWhile(
  task: Task,
  api: AdminApi,
  groupId: number,
  { reads, writes }: { reads: number[]; writes: number[] },
): Promise<void> {
  for (let sort = 1; !task.isOver; sort += 1) {
    reads.push(await timedCall(api, 'GET', '/groups'))
    writes.push(await timedCall(api, 'PATCH', `/groups/${groupId}`, { sort }))
    await sleep(pauseMs)
  }
}

/** Access keys, each revoked and timed from the call until the gateway refuses it. */
async function revokeWhile(task: Task, api: AdminApi, endpoint: Endpoint, revocations: number[]): Promise<void> {
  for (let number = 0; !task.isOver; number += 1) {
    const made = await callAdmin(api, 'POST', '/access-keys', { name: `revoked-${number}`, all_groups: true })
    const headers = endpoint.headers.map(([name, value]): [string, string] =>
      name === 'Authorization' ? [name, `Bearer ${String(made['key'])}`] : [name, value],
    )
    const asRevoked = { ...endpoint, headers }
    while ((await statusOf(asRevoked)) === 401) await sleep(askEveryMs)
    const startedMs = performance.now()
    const revoking = callAdmin(api, 'DELETE', `/access-keys/${String(made['id'])}`)
    while ((await statusOf(asRevoked)) !== 401) await sleep(askEveryMs)
    revocations.push(performance.now() - startedMs)
    await revoking
    await sleep(revocationPauseMs)
  }
}

const sleep = (ms: number) => new Promise((next) => setTimeout(next, ms))

function cpuSecondsByName(pids: Surroundings['pids']): Record<string, number> {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuSecondsOf(pid)]))
}

/** `alone`: latencies shortly before. */
export function besideFigures(task: string, found: Beside, alone: CallLatencies): Figure[] {
  const { reads, writes, revocations, cpuSeconds } = found
  return [
    ...Object.entries(cpuSeconds).map(([name, seconds]) => figure(`CPU of ${name} in the ${task}`, 's', [seconds])),
    figure(`GET /groups beside the ${task}: p99`, 'ms', [percentile(reads, 99)], { atMost: ordinaryP99Ms }),
    figure(`PATCH /groups/{id} beside the ${task}: p99`, 'ms', [percentile(writes, 99)]),
    figure(`PATCH /groups/{id} beside the ${task}: longest`, 'ms', [Math.max(...writes)]),
    figure(`revocation beside the ${task}: p50`, 'ms', [percentile(revocations, 50)]),
    figure(`revocation beside the ${task}: longest of ${revocations.length}`, 'ms', [Math.max(...revocations)], {
      atMost: revokedWithinMs,
    }),
    ...latencyFigures(task, 'proxied, 20 ms upstream', alone.slow, found.latencies.slow, { atMost: proxiedRatio }),
    ...latencyFigures(task, 'proxied, instant upstream', alone.proxied, found.latencies.proxied),
    ...latencyFigures(task, 'instant upstream alone', alone.straight, found.latencies.straight),
  ]
}

function latencyFigures(
  task: string,
  name: string,
  before: readonly number[],
  during: readonly number[],
  target?: Target,
): Figure[] {
  return [
    figure(`${name}, before the ${task}: p50`, 'ms', [percentile(before, 50)]),
    figure(`${name}, beside the ${task}: p50`, 'ms', [percentile(during, 50)]),
    figure(`${name}, before the ${task}: p99`, 'ms', [percentile(before, 99)]),
    figure(`${name}, beside the ${task}: p99`, 'ms', [percentile(during, 99)]),
    figure(`${name}: p99 beside the ${task} / before`, 'x', [percentile(during, 99) / percentile(before, 99)], target),
  ]
}
