import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startProcess, type StartedProcess } from '@gpt-load/testkit/child-process'
import { serviceEnvironment } from '@gpt-load/service-kit/node-runtime'
import { freePort } from '@gpt-load/testkit/servers/free-port'

/** The real process as `npm start` runs it, with nothing in its environment but what a test names. */
const entry = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export type Running = {
  readonly process: StartedProcess
  readonly url: string
  readonly port: number
  call(path: string, options?: { key?: string; method?: string; body?: unknown }): Promise<Response>
} & AsyncDisposable

export type StartOptions = {
  folder: string
  args?: readonly string[]
  env?: Record<string, string>
  port?: number
  /** How to see that it is up, when it is not http; `url` is then the caller's to make. */
  ready?: (port: number) => Promise<boolean>
}

/** Data go into `folder`/data; `folder` is the working directory. */
export async function start(options: StartOptions): Promise<Running> {
  const port = options.port ?? (await freePort())
  const url = `http://127.0.0.1:${port}`
  const started = await startProcess({
    ...commandOf(options, port),
    ready: options.ready ? () => options.ready!(port) : async () => (await fetch(`${url}/readyz`)).ok,
  })
  return {
    process: started,
    url,
    port,
    call: (path, { key, method = 'GET', body } = {}) =>
      fetch(url + path, {
        method,
        headers: {
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    [Symbol.asyncDispose]: async () => void (await started.stop()),
  }
}

/** A start that must fail: its exit code and everything that it printed. */
export async function startRefused(options: StartOptions): Promise<{ code: number | null; output: string }> {
  const { command, args, cwd, env } = commandOf(options, options.port ?? (await freePort()))
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: code as number | null, output: stdout + stderr }
}

function commandOf({ folder, args = [], env = {} }: StartOptions, port: number) {
  return {
    name: 'standalone',
    command: process.execPath,
    args: [
      '--disable-warning=ExperimentalWarning',
      entry,
      '--port',
      String(port),
      '--host',
      '127.0.0.1',
      '--workers',
      '1',
      ...args,
    ],
    cwd: folder,
    env: { ...serviceEnvironment(process.env), ...env },
  }
}

/** Gone when the test file ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gpt-load-standalone-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
