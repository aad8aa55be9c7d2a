import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { findBinary } from '@gpt-load/testkit/servers/find-binary'

/**
 * Who runs where. The gateway under test has a core of its own; upstreams, load generators, databases and the brokers
 * share another one, which children inherit from the benchmark's own process.
 */
export const gatewayCpu = '0'
const loadCpu = '1'
/** Two workers need two cores: with only two in the machine the second one is the load's. */
export const twoGatewayCpus = availableParallelism() > 2 ? '0,2' : '0,1'

export function onCpus(cpus: string): readonly string[] {
  return [taskset(), '-c', cpus]
}

/** Moves this process, and so what it starts from now on, to the load's core; the result moves it back. */
export function moveToLoadCpu(): Disposable {
  const status = readFileSync('/proc/self/status', 'latin1')
  const before = /^Cpus_allowed_list:\s+(\S+)$/m.exec(status)?.[1]
  if (before === undefined) throw new Error('the benchmark needs Linux: /proc/self/status names no CPUs')
  place(loadCpu)
  return { [Symbol.dispose]: () => place(before) }
}

const taskset = (): string => findBinary('taskset', 'util-linux')

function place(cpus: string): void {
  execFileSync(taskset(), ['-a', '-p', '-c', cpus, String(process.pid)], { stdio: 'pipe' })
}
