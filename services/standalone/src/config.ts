// Everything that standalone reads from its environment, its `.env` file and its command line. Nothing else in this service
// reads `process.env`.

import { availableParallelism } from 'node:os'
import { z } from 'zod'
import type { Settings } from '@gpt-load/contracts/settings'
import { minAdminKeyLength } from '@gpt-load/config-service/admin-keys'
import { minMasterKeyLength } from '@gpt-load/database/master-key'
import { checkTls, requestPathVariables } from '@gpt-load/proxy-edge/config'
import { checkCors } from '@gpt-load/service-kit/cors-variables'
import { withDotenvFile } from '@gpt-load/service-kit/dotenv-file'
import { readEnvironment, type EnvironmentSource } from '@gpt-load/service-kit/environment'
import { checkEnvironmentSettings, readEnvironmentSettings } from '@gpt-load/service-kit/environment-settings'
import { envInteger, envList, envSecret, envString } from '@gpt-load/service-kit/environment-variables'
import { logVariables } from '@gpt-load/service-kit/logger'
import { withLowerCaseProxies } from '@gpt-load/service-kit/outbound-proxy-variables'

const maxDefaultWorkers = 4

export const standaloneVariables = z.object({
  PORT: envInteger({ default: 3001, min: 0, max: 65_535, description: 'Port of everything; 0 = any free one' }),
  HOST: envString({ default: '0.0.0.0', description: 'Address to listen on' }),
  DATA_DIR: envString({ default: './data', description: 'Databases and generated secrets' }),
  AUTH_KEY: envSecret({
    minLength: minAdminKeyLength,
    description: 'Admin key; without it one is generated at the first start',
  }).optional(),
  ENCRYPTION_KEY: envSecret({
    minLength: minMasterKeyLength,
    description: 'Master key of the stored secrets; without it one is generated into the data folder',
  }).optional(),
  ENCRYPTION_KEY_PREVIOUS: envSecret({
    minLength: minMasterKeyLength,
    description: 'The former ENCRYPTION_KEY, until `gptload encryption rotate` has ended',
  }).optional(),
  METRICS_TOKEN: envSecret({
    minLength: 16,
    description: 'Bearer token that /metrics asks for; the admin key opens it too',
  }).optional(),
  WORKERS: envInteger({
    default: defaultWorkers(),
    min: 1,
    max: 64,
    description: 'Data-plane threads; they share the port',
  }).meta({ defaultText: 'all cores but one, 1 to 4', description: 'Data-plane threads; they share the port' }),
  KEYS_FILE: envString({
    description: 'Keys of the group `default`, one per line; new ones are added at start, on change and on SIGHUP',
  }).optional(),
  OPENAI_BASE_URL: envList({
    default: [],
    description: 'Upstreams of the group `default` when it is made, between commas',
  }),
  ...requestPathVariables(),
  ...logVariables(),
})
export type StandaloneConfig = Readonly<z.output<typeof standaloneVariables>> & {
  readonly environmentSettings: Partial<Settings>
  /** Variables of GPT-Load that mean nothing here. */
  readonly ignored: readonly string[]
}

/** `overrides` are the command line's; they win over the environment, that over `.env`. */
export function readStandaloneConfig(
  overrides: EnvironmentSource,
  environment: EnvironmentSource = standaloneEnvironment(),
): StandaloneConfig {
  const source = withLowerCaseProxies({ ...environment, ...overrides })
  const config = readEnvironment(standaloneVariables, source, {
    checks: [checkCors, checkTls, checkEnvironmentSettings(source)],
  })
  const ignored = Object.keys(ignoredVariables).filter((name) => (source[name] ?? '') !== '')
  return Object.freeze({ ...config, environmentSettings: Object.freeze(readEnvironmentSettings(source)), ignored })
}

/** For `${env:NAME}` in configuration files too. */
export function standaloneEnvironment(): EnvironmentSource {
  return withDotenvFile(process.env, { directory: process.cwd() })
}

/** Known to users of GPT-Load, with what holds here. */
export const ignoredVariables: Readonly<Record<string, string>> = {
  IS_SLAVE: 'there are no masters and slaves: run the cluster services instead',
  REDIS_DSN: 'standalone needs no Redis; the cluster services do',
  DATABASE_DSN: 'standalone keeps SQLite files in DATA_DIR; the cluster services use MySQL',
}

function defaultWorkers(): number {
  return Math.min(maxDefaultWorkers, Math.max(1, availableParallelism() - 1))
}
