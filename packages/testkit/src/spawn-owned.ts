// Starts children that never outlive this process: the kernel kills them when it dies by a signal (Linux, setpriv),
// an exit handler does when it ends by itself. Each child leads a process group of its own, so Ctrl-C in a terminal
// reaches only the parent, which then ends its children in the order that it wants.

import { spawn } from 'node:child_process'
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { rmSync } from 'node:fs'
import { lookUpBinary } from './servers/find-binary.ts'

const liveChildren = new Set<ChildProcess>()
const temporaryDirs = new Set<string>()
let isExitHandled = false

export function spawnOwned(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  cleanUpAtExit()
  const setpriv = process.platform === 'linux' ? lookUpBinary('setpriv') : undefined
  const child = setpriv
    ? spawn(setpriv, ['--pdeathsig', 'KILL', '--', command, ...args], { ...options, detached: true })
    : spawn(command, args, { ...options, detached: true })
  liveChildren.add(child)
  child.once('exit', () => liveChildren.delete(child))
  child.once('error', () => liveChildren.delete(child))
  return child
}

/** Has the directory removed when this process ends; the returned function removes it at once. */
export function ownDirectory(dir: string): () => void {
  cleanUpAtExit()
  temporaryDirs.add(dir)
  return () => {
    temporaryDirs.delete(dir)
    rmSync(dir, { recursive: true, force: true })
  }
}

function cleanUpAtExit(): void {
  if (isExitHandled) return
  isExitHandled = true
  process.once('exit', () => {
    for (const child of liveChildren) child.kill('SIGKILL')
    for (const dir of temporaryDirs) rmSync(dir, { recursive: true, force: true })
  })
}
