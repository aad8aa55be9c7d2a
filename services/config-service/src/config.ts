// Everything that config-service reads from its environment. Nothing else in this service reads `process.env`.

import type { Settings } from '@gpt-load/contracts/settings'
import { minMasterKeyLength } from '@gpt-load/database/master-key'
import { adminVariables } from '@gpt-load/service-kit/admin-server'
import { checkCors, corsVariables } from '@gpt-load/service-kit/cors-variables'
import { databaseVariables } from '@gpt-load/service-kit/database-dsn'
import { edgeTokenVariable } from '@gpt-load/service-kit/edge-token'
import { readEnvironment, type EnvironmentCheck, type EnvironmentSource } from '@gpt-load/service-kit/environment'
import { checkEnvironmentSettings, readEnvironmentSettings } from '@gpt-load/service-kit/environment-settings'
import { envInteger, envSecret, envString } from '@gpt-load/service-kit/environment-variables'
import { logVariables } from '@gpt-load/service-kit/logger'
import { checkDatabaseIsMysql } from '@gpt-load/service-kit/mysql-only'
import {
  allowPrivateUpstreamsVariable,
  outboundProxyVariables,
  upstreamCaVariable,
  withLowerCaseProxies,
} from '@gpt-load/service-kit/outbound-proxy-variables'
import { redisVariables } from '@gpt-load/service-kit/redis-dsn'
import { trustedProxiesVariable } from '@gpt-load/service-kit/trusted-proxies-variable'
import { z } from 'zod'
import { minAdminKeyLength } from './admin-keys.ts'

const { REDIS_DSN, ...otherRedisVariables } = redisVariables()

export const configServiceVariables = z.object({
  PORT: envInteger({ default: 3002, min: 0, max: 65_535, description: 'Port of the admin API; 0 = any free one' }),
  HOST: envString({ default: '0.0.0.0', description: 'Address of the admin API' }),
  INTERNAL_PORT: envInteger({ default: 9080, min: 0, max: 65_535, description: 'Port that edges pull from' }),
  INTERNAL_HOST: envString({
    default: '0.0.0.0',
    description: 'Its address; reachable by edges only, never by callers or browsers',
  }),
  ...adminVariables(),
  AUTH_KEY: envSecret({
    minLength: minAdminKeyLength,
    description: 'Admin key: `Authorization: Bearer …`; a change takes effect at a restart',
  }),
  ENCRYPTION_KEY: envSecret({
    minLength: minMasterKeyLength,
    description: 'Master key of the secrets in the database; without it they are lost, another one is refused',
  }),
  ENCRYPTION_KEY_PREVIOUS: envSecret({
    minLength: minMasterKeyLength,
    description: 'The former ENCRYPTION_KEY, until `gptload encryption rotate` has ended',
  }).optional(),
  EDGE_TOKEN: edgeTokenVariable(),
  ...databaseVariables(),
  DATABASE_POOL_SIZE: envInteger({ default: 20, min: 4, max: 500, description: 'Connections to the database' }),
  REDIS_DSN: REDIS_DSN.optional(),
  ...otherRedisVariables,
  REDIS_KEY_PREFIX: envString({ default: 'gpt-load:', description: 'Before every key and channel in Redis' }),
  BASE_CACHE_DIR: envString({
    description: 'Folder for snapshot bases and nothing else; without it a temporary one, removed at the end',
  }).optional(),
  TRUSTED_PROXIES: trustedProxiesVariable(),
  ...corsVariables(),
  ALLOW_PRIVATE_UPSTREAMS: allowPrivateUpstreamsVariable(),
  UPSTREAM_CA: upstreamCaVariable(),
  ...outboundProxyVariables(),
  ...logVariables(),
})
export type ConfigServiceConfig = z.output<typeof configServiceVariables>

export function readConfigServiceConfig(
  source: EnvironmentSource = process.env,
): Readonly<ConfigServiceConfig> & { readonly environmentSettings: Partial<Settings> } {
  const config = readEnvironment(configServiceVariables, withLowerCaseProxies(source), {
    checks: [checkCors, checkDatabaseIsMysql, checkSecretsDiffer, checkEnvironmentSettings(source)],
  })
  return Object.freeze({ ...config, environmentSettings: Object.freeze(readEnvironmentSettings(source)) })
}

/** Who knows one of them (an edge its token, an administrator the admin key) must not know another. */
const checkSecretsDiffer: EnvironmentCheck<ConfigServiceConfig> = (values, report) => {
  const { AUTH_KEY, ENCRYPTION_KEY, EDGE_TOKEN = [] } = values
  const advice = 'make one of its own with: openssl rand -hex 32'
  if (AUTH_KEY !== undefined && AUTH_KEY === ENCRYPTION_KEY) report('ENCRYPTION_KEY', 'is the same as AUTH_KEY', advice)
  for (const [name, secret] of Object.entries({ AUTH_KEY, ENCRYPTION_KEY }))
    if (secret !== undefined && EDGE_TOKEN.includes(secret)) report('EDGE_TOKEN', `is the same as ${name}`, advice)
}
