// A server process that a test starts, kills, freezes and brings back. It writes to a file in its run directory, so a
// start that fails can show why. `stop` kills at once: the data was made for this run and goes with its directory.

import type { ChildProcess } from 'node:child_process'
import { closeSync, mkdtempSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ownDirectory, spawnOwned } from '../spawn-owned.ts'
import { until } from '../until.ts'
import { untilStopped } from './until-stopped.ts'

export interface LocalServer extends AsyncDisposable {
  readonly pid: number
  readonly isRunning: boolean
  /** Where the server's output goes. */
  readonly logFile: string
  /** Sends the signal (SIGKILL unless told) and waits for the end. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Ends it in an orderly way when it runs, starts it on the same port and data, waits until it is ready. */
  restart(): Promise<void>
  /** SIGSTOP, and waits until every thread has stopped: sockets stay open, nothing is answered. */
  pause(): Promise<void>
  resume(): void
  /** Kills it; what it stored is removed with its run directory. */
  stop(): Promise<void>
}

export type LocalServerOptions = {
  name: string
  runDir: RunDir
  command: string
  args: readonly string[]
  /** A command that runs the server and becomes it, as `['taskset', '-c', '0']` does. */
  commandPrefix?: readonly string[] | undefined
  env?: NodeJS.ProcessEnv
  /** Throws until the server answers; called again and again. */
  probe: () => Promise<void>
  readyTimeoutMs?: number
  /** A data directory that the caller keeps wants an orderly end. */
  isOrderlyStop?: boolean
}

export type RunDir = { path: string; remove: () => void }

const READY_TIMEOUT_MS = 30_000
/** MariaDB takes 1.3 s and may wedge when it is ended before it was ready; then SIGKILL follows. */
const ORDERLY_STOP_TIMEOUT_MS = 10_000
const LOG_TAIL_BYTES = 4_096

export function createRunDir(name: string): RunDir {
  const path = mkdtempSync(join(tmpdir(), `gpt-load-${name}-`))
  return { path, remove: ownDirectory(path) }
}

export async function startLocalServer(options: LocalServerOptions): Promise<LocalServer> {
  const server = new ServerProcess(options)
  await server.start()
  return server
}

class ServerProcess implements LocalServer {
  readonly logFile: string
  readonly #options: LocalServerOptions
  #child: ChildProcess | undefined

  constructor(options: LocalServerOptions) {
    this.#options = options
    this.logFile = join(options.runDir.path, `${options.name}.log`)
  }

  get pid(): number {
    return this.#child?.pid ?? -1
  }

  get isRunning(): boolean {
    return this.#child?.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  async start(): Promise<void> {
    const { env, name, readyTimeoutMs = READY_TIMEOUT_MS } = this.#options
    const { commandPrefix = [] } = this.#options
    const [command = '', ...args] = [...commandPrefix, this.#options.command, ...this.#options.args]
    const output = openSync(this.logFile, 'a')
    const child = spawnOwned(command, args, { stdio: ['ignore', output, output], ...(env && { env }) })
    closeSync(output)
    this.#child = child
    // Without it a command that is not there would end the whole process.
    child.once('error', () => undefined)
    try {
      const outcome = await until(() => this.#probe(), { what: 'an answer', timeoutMs: readyTimeoutMs })
      if (outcome === 'ended') throw new Error(`ended with ${child.signalCode ?? `exit code ${child.exitCode}`}`)
    } catch (error) {
      await this.kill()
      throw new Error(`${name} did not start: ${(error as Error).message}\n${await this.#logTail()}`, { cause: error })
    }
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child
    if (!child || !this.isRunning) return
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill(signal)
    // A frozen process takes no signal but SIGKILL until it goes on.
    if (signal !== 'SIGKILL') child.kill('SIGCONT')
    await exited
  }

  async restart(): Promise<void> {
    await this.#endInOrder()
    await this.start()
  }

  async pause(): Promise<void> {
    this.#child?.kill('SIGSTOP')
    await untilStopped(this.pid)
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  async stop(): Promise<void> {
    await (this.#options.isOrderlyStop ? this.#endInOrder() : this.kill())
    this.#options.runDir.remove()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #probe(): Promise<'ready' | 'ended'> {
    if (!this.isRunning) return 'ended'
    await this.#options.probe()
    return 'ready'
  }

  async #endInOrder(): Promise<void> {
    const fallback = setTimeout(() => void this.kill(), ORDERLY_STOP_TIMEOUT_MS)
    await this.kill('SIGTERM')
    clearTimeout(fallback)
  }

  async #logTail(): Promise<string> {
    const log = await readFile(this.logFile)
    return log.subarray(-LOG_TAIL_BYTES).toString()
  }
}
