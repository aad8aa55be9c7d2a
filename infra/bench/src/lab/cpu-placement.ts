import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, setPriority } from 'node:os'
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

/**
 * Lets a process run only when the load's core has nothing better to do. What is done with log rows after they have left
 * the edge is not the edge's cost, but would take time from the load generator.
 */
export function runInSpareTime(pid: number): void {
  for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), 19)
  try {
    // Processes of a session are weighed as one group where autogroups are on (sched(7)).
    writeFileSync(`/proc/${pid}/autogroup`, '19')
  } catch {
    // A kernel without autogroups weighs threads alone.
  }
}
