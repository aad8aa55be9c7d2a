import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { serviceEnvironment } from '@gpt-load/service-kit/node-runtime'

export const repository = fileURLToPath(new URL('../../../../', import.meta.url))
export const entry = fileURLToPath(new URL('../../../../packages/cli/src/main.ts', import.meta.url))

export type Run = { code: number | null; stdout: string; stderr: string }
export type RunOptions = { cwd: string; env?: Record<string, string> }

/** The real command against a running standalone. */
export function gptload(args: readonly string[], options: RunOptions): Promise<Run> {
  return run(process.execPath, [entry, ...args], options)
}

export async function run(command: string, args: readonly string[], { cwd, env = {} }: RunOptions): Promise<Run> {
  const child = spawn(command, args, {
    cwd,
    env: { ...serviceEnvironment(process.env), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: code as number | null, stdout, stderr }
}

/** `gptload` as a command of one word, for scripts. */
export const gptloadScript = `#!/bin/sh\nexec '${process.execPath}' '${entry}' "$@"\n`
