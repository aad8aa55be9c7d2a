import { resolve } from 'node:path'
import { nodeFlags, serviceEnvironment } from '@gpt-load/service-kit/node-runtime'
import { startProcess } from '@gpt-load/testkit/child-process'
import type { ProcessExit, StartedProcess } from '@gpt-load/testkit/child-process'

/**
 * One of our services as a process of its own, by the entry point that production uses. Killed and started again it is the
 * same service: same environment, same ports.
 */
export interface ServiceProcess extends AsyncDisposable {
  readonly name: string
  readonly env: Readonly<Record<string, string>>
  readonly process: StartedProcess
  isRunning(): boolean
  /** Everything it has printed, over all its lives (the last 2,000 lines of each). */
  output(): string
  start(): Promise<void>
  /** SIGKILL, and waits for its end. */
  kill(): Promise<ProcessExit>
  stop(timeoutMs?: number): Promise<ProcessExit>
}

export type ServiceOptions = {
  name: string
  /** Folder below services/. */
  service: string
  env: Record<string, string>
  /** Answers 200 when the service is ready. */
  readyUrl: string
  /** A command that runs the service and becomes it, as `['taskset', '-c', '0']` does. */
  commandPrefix?: readonly string[]
  onLine?: (line: string) => void
}

const root = resolve(import.meta.dirname, '../../..')
const readyTimeoutMs = 60_000

export async function startService(options: ServiceOptions): Promise<ServiceProcess> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    LOG_FORMAT: 'json',
    ...serviceEnvironment(process.env),
    ...options.env,
  }
  const entry = `services/${options.service}/src/main.ts`
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', ...nodeFlags, entry]
  const [command = '', ...args] = [...(options.commandPrefix ?? []), ...node]
  const earlier: string[] = []
  let current = await launch()

  function launch(): Promise<StartedProcess> {
    return startProcess({
      name: options.name,
      command,
      args,
      cwd: root,
      env,
      ready: async () => (await fetch(options.readyUrl, { signal: AbortSignal.timeout(2_000) })).ok,
      readyTimeoutMs,
      ...(options.onLine === undefined ? {} : { onLine: options.onLine }),
    })
  }

  async function end(how: () => Promise<ProcessExit>): Promise<ProcessExit> {
    const exit = await how()
    earlier.push(current.output())
    return exit
  }

  return {
    name: options.name,
    env,
    get process() {
      return current
    },
    isRunning: () => current.isRunning,
    output: () => [...earlier, current.output()].join('\n'),
    async start() {
      if (!current.isRunning) current = await launch()
    },
    kill: () =>
      end(() => {
        current.signal('SIGKILL')
        return current.exit
      }),
    stop: (timeoutMs) => end(() => current.stop(timeoutMs)),
    [Symbol.asyncDispose]: async () => void (await current.stop()),
  }
}
