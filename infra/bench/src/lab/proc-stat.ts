import { readFileSync, writeFileSync } from 'node:fs'

/** What the kernel says of a process, all its threads included (proc(5)). */
const ticksPerSecond = 100

/** User and system time, in seconds; threads that have ended count on. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The command's name may hold blanks and brackets: fields are counted from its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Resident memory in bytes, now and at its highest since the start or `forgetPeak`. */
export function memoryOf(pid: number): { rssBytes: number; peakBytes: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const kibibytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0)
  return { rssBytes: kibibytes('VmRSS') * 1_024, peakBytes: kibibytes('VmHWM') * 1_024 }
}

/** The highest resident memory is what it is now. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}
