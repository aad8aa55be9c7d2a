import { readdir, readFile } from 'node:fs/promises'
import { until } from '../until.ts'

/**
 * Until no thread of a process that was sent SIGSTOP runs any more. The signal is sent at once but taken by each thread
 * in its own time: on a busy machine a server with many threads still answers a request or two. Known only on Linux;
 * elsewhere nothing is awaited.
 */
export async function untilStopped(pid: number): Promise<void> {
  if (process.platform !== 'linux') return
  await until(() => areAllStopped(pid), { what: 'every thread to stop', timeoutMs: 5_000, intervalMs: 2 })
}

async function areAllStopped(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`)
  const stats = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8')))
  // proc(5): the state follows the name, which stands in parentheses and may hold any character.
  return stats.every((stat) => stat.charAt(stat.lastIndexOf(')') + 2) === 'T')
}
