// A process of ours under test: an edge, a config-service, a load generator. Started until it says that it is ready,
// its last output kept, ended with the test. It never outlives the process that started it.

import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { spawnOwned } from './spawn-owned.ts'
import { until } from './until.ts'

export type StartProcessOptions = {
  /** For messages. */
  name: string
  command: string
  args?: readonly string[]
  /** The whole environment; the parent's when absent. */
  env?: NodeJS.ProcessEnv
  cwd?: string
  /** Ready when a line of its output matches… */
  readyPattern?: RegExp
  /** …and when this no longer throws or gives false; called again and again. */
  ready?: () => Promise<unknown>
  readyTimeoutMs?: number
  /** Sees every line as it comes. */
  onLine?: (line: string) => void
}

export type ProcessExit = { code: number | null; signal: NodeJS.Signals | null }

export interface StartedProcess extends AsyncDisposable {
  readonly name: string
  readonly pid: number
  readonly isRunning: boolean
  readonly exit: Promise<ProcessExit>
  /** The last lines of both outputs in the order of their coming. */
  output(): string
  /** The first line, past or to come, that matches. */
  line(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>
  signal(signal: NodeJS.Signals): void
  /** SIGTERM, after `timeoutMs` SIGKILL. */
  stop(timeoutMs?: number): Promise<ProcessExit>
}

const MAX_OUTPUT_LINES = 2_000
const READY_TIMEOUT_MS = 30_000
const STOP_TIMEOUT_MS = 10_000

export async function startProcess(options: StartProcessOptions): Promise<StartedProcess> {
  const { name, command, args = [], env, cwd } = options
  const child = spawnOwned(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(env && { env }),
    ...(cwd !== undefined && { cwd }),
  })
  const started = new ObservedProcess(name, child, options.onLine)
  try {
    await waitUntilReady(started, options)
  } catch (error) {
    await started.stop(0)
    throw new Error(`${name} did not start: ${(error as Error).message}\n${started.output()}`, { cause: error })
  }
  return started
}

async function waitUntilReady(started: ObservedProcess, options: StartProcessOptions): Promise<void> {
  const { readyPattern, ready, readyTimeoutMs = READY_TIMEOUT_MS } = options
  if (readyPattern) await started.line(readyPattern, readyTimeoutMs)
  if (!ready) return
  const outcome = await until(async () => (started.isRunning ? (await ready()) !== false && 'ready' : 'ended'), {
    what: 'it to be ready',
    timeoutMs: readyTimeoutMs,
  })
  if (outcome === 'ended') throw new Error(describeExit(await started.exit))
}

class ObservedProcess implements StartedProcess {
  readonly name: string
  readonly exit: Promise<ProcessExit>
  readonly #child: ChildProcess
  readonly #lines: string[] = []
  readonly #watchers = new Set<(line: string) => void>()

  constructor(name: string, child: ChildProcess, onLine?: (line: string) => void) {
    this.name = name
    this.#child = child
    if (onLine) this.#watchers.add(onLine)
    const outputs = [child.stdout, child.stderr].flatMap((stream) => (stream ? [this.#read(stream)] : []))
    this.exit = exitOf(child, (message) => this.#keep(message)).then(async (exit) => {
      await Promise.all(outputs)
      return exit
    })
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  get isRunning(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  output(): string {
    return this.#lines.join('\n')
  }

  async line(pattern: RegExp, timeoutMs = READY_TIMEOUT_MS): Promise<RegExpExecArray> {
    for (const line of this.#lines) {
      const match = pattern.exec(line)
      if (match) return match
    }
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>()
    const watcher = (line: string) => {
      const match = pattern.exec(line)
      if (match) resolve(match)
    }
    const timer = setTimeout(() => reject(new Error(`no line like ${pattern} within ${timeoutMs} ms`)), timeoutMs)
    void this.exit.then((exit) => reject(new Error(`${describeExit(exit)} before a line like ${pattern}`)))
    this.#watchers.add(watcher)
    return promise.finally(() => {
      clearTimeout(timer)
      this.#watchers.delete(watcher)
    })
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async stop(timeoutMs = STOP_TIMEOUT_MS): Promise<ProcessExit> {
    if (!this.isRunning) return this.exit
    const fallback = setTimeout(() => this.signal('SIGKILL'), timeoutMs)
    this.signal('SIGTERM')
    this.signal('SIGCONT')
    const exit = await this.exit
    clearTimeout(fallback)
    return exit
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #read(stream: Readable): Promise<void> {
    for await (const line of createInterface({ input: stream })) this.#keep(line)
  }

  #keep(line: string): void {
    this.#lines.push(line)
    if (this.#lines.length > MAX_OUTPUT_LINES) this.#lines.splice(0, MAX_OUTPUT_LINES / 2)
    for (const watch of this.#watchers) watch(line)
  }
}

function exitOf(child: ChildProcess, explain: (message: string) => void): Promise<ProcessExit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
    child.once('error', (error) => {
      explain(error.message)
      resolve({ code: null, signal: null })
    })
  })
}

function describeExit({ code, signal }: ProcessExit): string {
  return `it ended with ${signal ?? `exit code ${code}`}`
}
