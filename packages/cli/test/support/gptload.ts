import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createDatabase } from '@gpt-load/database/create-database'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import { migrate } from '@gpt-load/database/migrate'
import { serviceEnvironment } from '@gpt-load/service-kit/node-runtime'

const entry = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export type Run = { code: number | null; stdout: string; stderr: string }

/** The real command in a process of its own, with nothing of ours in its environment but `env`. */
export async function gptload(
  args: readonly string[],
  { cwd = tmpdir(), env = {} }: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Run> {
  const child = spawn(process.execPath, [entry, ...args], {
    cwd,
    env: { ...serviceEnvironment(process.env), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: code as number | null, stdout, stderr }
}

/** Gone when the test file ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gpt-load-cli-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The configuration database of a data folder that standalone has started in. */
export async function openStandaloneData(folder: string): Promise<DatabaseHandle & AsyncDisposable> {
  const handle = createDatabase({ dialect: 'sqlite', path: join(folder, 'gpt-load.db') })
  await migrate(handle, { component: 'config' })
  return Object.assign(handle, { [Symbol.asyncDispose]: () => handle.close() })
}
