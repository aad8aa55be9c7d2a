import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { serviceEnvironment } from '@gpt-load/service-kit/node-runtime'
import { startProcess, type StartedProcess } from '@gpt-load/testkit/child-process'
import { freePorts } from '@gpt-load/testkit/servers/free-port'

/** config-service as it is deployed: its own process, by its own environment. */
export type ConfigServiceProcess = StartedProcess & {
  readonly url: string
  readonly internalUrl: string
  readonly adminUrl: string
  readonly ports: readonly [number, number, number]
}

export const secrets = {
  AUTH_KEY: randomBytes(24).toString('base64url'),
  ENCRYPTION_KEY: randomBytes(32).toString('base64url'),
  EDGE_TOKEN: randomBytes(36).toString('base64url'),
}

export async function startConfigService(env: Record<string, string>): Promise<ConfigServiceProcess> {
  const ports = (await freePorts(3)) as [number, number, number]
  const [url, internalUrl, adminUrl] = ports.map((port) => `http://127.0.0.1:${port}`) as [string, string, string]
  const started = await run(
    {
      HOST: '127.0.0.1',
      PORT: String(ports[0]),
      INTERNAL_HOST: '127.0.0.1',
      INTERNAL_PORT: String(ports[1]),
      ADMIN_HOST: '127.0.0.1',
      ADMIN_PORT: String(ports[2]),
      ...secrets,
      ...env,
    },
    async () => (await fetch(`${adminUrl}/readyz`)).ok,
  )
  return Object.assign(started, { url, internalUrl, adminUrl, ports })
}

/** Everything that a start which must not succeed has printed, and that it ended with exit code 1. */
export async function refusedStart(env: Record<string, string>): Promise<string> {
  try {
    await using started = await run(env, async () => false)
    return `it started: ${started.output()}`
  } catch (error) {
    return (error as Error).message
  }
}

function run(env: Record<string, string>, ready: () => Promise<boolean>): Promise<StartedProcess> {
  return startProcess({
    name: 'config-service',
    command: process.execPath,
    args: [resolve(import.meta.dirname, '../../src/main.ts')],
    env: { ...serviceEnvironment(process.env), LOG_FORMAT: 'json', ...env },
    ready,
  })
}
