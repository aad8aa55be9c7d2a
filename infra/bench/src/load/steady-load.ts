import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Endpoint } from '../contenders/gateway.ts'

/** So many requests a second, evenly, from a process of its own: what callers feel while something else is done. */
export interface SteadyLoad extends AsyncDisposable {
  /** Latencies since the last `take`, in ms. @throws when a request failed: figures of errors are worth nothing. */
  take(): Promise<number[]>
}

export type SteadyLoadWindow = { tookMs: number[]; failures: string[] }

export function startSteadyLoad(endpoint: Endpoint, perSecond: number): SteadyLoad {
  const entry = fileURLToPath(import.meta.resolve('./steady-load-process.ts'))
  const execArgv = ['--disable-warning=ExperimentalWarning']
  // A session of its own: the kernel shares a core out by session, and the benchmark's is busy with keys.
  const child = fork(entry, [JSON.stringify({ endpoint, perSecond })], { execArgv, detached: true })
  return {
    async take() {
      child.send('take')
      const [{ tookMs, failures }] = (await once(child, 'message')) as [SteadyLoadWindow]
      if (failures.length > 0) throw new Error(`${failures.length} requests failed, first: ${failures[0]}`)
      return tookMs
    },
    async [Symbol.asyncDispose]() {
      const exit = once(child, 'exit')
      child.send('stop')
      await exit
    },
  }
}
