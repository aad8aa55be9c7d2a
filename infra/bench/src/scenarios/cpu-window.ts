import { setTimeout as delay } from 'node:timers/promises'
import { pidOf, type Gateway } from '../contenders/gateway.ts'
import { cpuSecondsOf } from '../lab/proc-stat.ts'
import { runWrk, type WrkResult } from '../load/wrk.ts'
import type { BenchOptions } from '../options.ts'

/** What was done, and what it cost the gateway. NaN where there is none between. */
export type LoadFigures = WrkResult & { cpuUsPerRequest: number }

/** Full load over the run's connections. Opening them is within the window: 64 of more than 10,000 requests. */
export async function measureRequests(
  gateway: Gateway,
  { connections, seconds }: Pick<BenchOptions, 'connections' | 'seconds'>,
  route: 'fixed' | 'tls' = 'fixed',
): Promise<LoadFigures> {
  const before = gateway.pid === null ? Number.NaN : cpuSecondsOf(gateway.pid)
  const result = await runWrk(gateway.endpoint(route), connections, seconds)
  const used = gateway.pid === null ? Number.NaN : cpuSecondsOf(gateway.pid) - before
  return { ...result, cpuUsPerRequest: (used / result.requests) * 1e6 }
}

export function warmUpRequests({ connections, warmUpSeconds }: BenchOptions, route: 'fixed' | 'tls' = 'fixed') {
  return (gateway: Gateway) => runWrk(gateway.endpoint(route), connections, warmUpSeconds)
}

/** CPU seconds that the gateway uses while the counter moves by the result's `count`. */
export async function measureWindow(
  gateway: Gateway,
  seconds: number,
  counter: () => number,
): Promise<{ cpuSeconds: number; count: number }> {
  const pid = pidOf(gateway)
  const [cpuBefore, countBefore] = [cpuSecondsOf(pid), counter()]
  await delay(seconds * 1_000)
  return { cpuSeconds: cpuSecondsOf(pid) - cpuBefore, count: counter() - countBefore }
}
