// REDIS_DSN: one server, Sentinel or Cluster, with or without TLS, as a plain value that the adapters turn into their
// client's options. Problem texts never repeat the DSN.
//
//   redis://user:password@host:6379/0                                 rediss:// with TLS
//   redis+sentinel://:password@host:26379,host:26379/master-name/0    rediss+sentinel://
//   redis+cluster://:password@host:6379,host:6379                     rediss+cluster://

import { parseDsnParts, unknownParameter, type DsnParts, type HostPort } from './dsn-parts.ts'
import { envParsed, envString, type EnvironmentVariable } from './environment-variables.ts'
import { accepted, refused, type ParseResult } from './parse-result.ts'
import { tlsField, tlsWithCa, type TlsOptions } from './tls-options.ts'

type RedisAccess = { readonly username?: string; readonly password?: string; readonly tls?: TlsOptions }

export type RedisSingle = RedisAccess & HostPort & { readonly mode: 'single'; readonly db: number }

export type RedisSentinel = RedisAccess & {
  readonly mode: 'sentinel'
  readonly sentinels: readonly HostPort[]
  readonly masterName: string
  readonly db: number
  /** The sentinels' own credentials (`?sentinel_username=…&sentinel_password=…`); TLS holds for them too. */
  readonly sentinelUsername?: string
  readonly sentinelPassword?: string
}

export type RedisCluster = RedisAccess & { readonly mode: 'cluster'; readonly nodes: readonly HostPort[] }

export type RedisConnection = RedisSingle | RedisSentinel | RedisCluster

type RedisVariables<T> = {
  REDIS_DSN: EnvironmentVariable<T>
  REDIS_TLS_CA: EnvironmentVariable<string | undefined>
}

const FORMS =
  'use redis://:password@host:6379/0, rediss:// for TLS, redis+sentinel://:password@host:26379,host:26379/master-name/0 or redis+cluster://host:6379,host:6379'
const REDIS_PORT = 6379
const SENTINEL_PORT = 26379
/** Redis has 16 databases unless it is configured otherwise; the bound only catches nonsense. */
const MAX_DB = 1_023

const UNDERSTOOD = new Set(['db', 'skip_verify', 'sentinel_username', 'sentinel_password'])
/** Parameters of go-redis (GPT-Load's client) that change nothing here. */
const IGNORED_PARAMETERS = new Set([
  'protocol',
  'client_name',
  'max_retries',
  'min_retry_backoff',
  'max_retry_backoff',
  'dial_timeout',
  'read_timeout',
  'write_timeout',
  'pool_fifo',
  'pool_size',
  'pool_timeout',
  'min_idle_conns',
  'max_idle_conns',
  'max_active_conns',
  'conn_max_idle_time',
  'conn_max_lifetime',
  'idle_timeout',
  'max_conn_age',
  'context_timeout_enabled',
  'family',
])

/** The variables of a Redis connection, to be spread into a schema; read them back with `redisConnection`. */
export function redisVariables(): RedisVariables<RedisConnection> {
  return {
    REDIS_DSN: envParsed(parseRedisDsn, {
      isSecret: true,
      description: 'Redis: `redis://`, `rediss://`, `redis+sentinel://`, `redis+cluster://`',
      missingAdvice: FORMS,
    }),
    REDIS_TLS_CA: envString({
      description: 'PEM certificates that Redis is verified against; switches TLS on',
    }).optional(),
  }
}

export function redisConnection(config: {
  readonly REDIS_DSN: RedisConnection
  readonly REDIS_TLS_CA?: string | undefined
}): RedisConnection {
  return Object.freeze({ ...config.REDIS_DSN, ...tlsField(tlsWithCa(config.REDIS_DSN.tls, config.REDIS_TLS_CA)) })
}

export function parseRedisDsn(dsn: string): ParseResult<RedisConnection> {
  const text = dsn.trim()
  const scheme = /^(rediss?)(?:\+(sentinel|cluster))?:\/\//i.exec(text)
  if (!scheme) return refused('has a scheme that is not supported', FORMS)
  const mode = scheme[2]?.toLowerCase()
  const parts = parseDsnParts(text, mode === 'sentinel' ? SENTINEL_PORT : REDIS_PORT)
  if (!parts.ok) return parts
  const unknown = unknownParameter(parts.value.query, UNDERSTOOD, IGNORED_PARAMETERS)
  if (unknown !== undefined) return refused(`has an unknown parameter: ${unknown}`, 'remove it or correct its name')
  const access = parseAccess(parts.value, scheme[1]?.toLowerCase() === 'rediss')
  if (!access.ok) return access
  if (mode === 'sentinel') return parseSentinel(parts.value, access.value)
  return mode === 'cluster' ? parseCluster(parts.value, access.value) : parseSingle(parts.value, access.value)
}

function parseAccess(parts: DsnParts, hasTls: boolean): ParseResult<RedisAccess> {
  const skipVerify = parts.query.get('skip_verify') ?? 'false'
  if (skipVerify !== 'true' && skipVerify !== 'false') {
    return refused('has a value of skip_verify that is not supported', 'use skip_verify=true or leave it out')
  }
  if (skipVerify === 'true' && !hasTls) return refused('has skip_verify without TLS', 'use a rediss scheme')
  return accepted({
    ...(parts.username === undefined ? {} : { username: parts.username }),
    ...(parts.password === undefined ? {} : { password: parts.password }),
    ...(hasTls ? { tls: { rejectUnauthorized: skipVerify === 'false' } } : {}),
  })
}

function parseSingle(parts: DsnParts, access: RedisAccess): ParseResult<RedisConnection> {
  const [address, ...others] = parts.hosts
  if (!address || others.length > 0) return refused('names more than one host', FORMS)
  if (parts.path.length > 1) return refused('has more than a database number after the host', FORMS)
  const db = parseDb(parts.path[0], parts.query)
  return db.ok ? accepted({ mode: 'single', ...address, ...access, db: db.value }) : db
}

function parseSentinel(parts: DsnParts, access: RedisAccess): ParseResult<RedisConnection> {
  const [masterName, dbText, ...more] = parts.path
  if (!masterName || more.length > 0) return refused('has no /master-name/db after the hosts', FORMS)
  const db = parseDb(dbText, parts.query)
  if (!db.ok) return db
  const sentinelUsername = parts.query.get('sentinel_username')
  const sentinelPassword = parts.query.get('sentinel_password')
  return accepted({
    mode: 'sentinel',
    sentinels: parts.hosts,
    masterName,
    ...access,
    db: db.value,
    ...(sentinelUsername ? { sentinelUsername } : {}),
    ...(sentinelPassword ? { sentinelPassword } : {}),
  })
}

function parseCluster(parts: DsnParts, access: RedisAccess): ParseResult<RedisConnection> {
  const db = parseDb(parts.path[0], parts.query)
  if (!db.ok || db.value !== 0 || parts.path.length > 1) return refused('names a database, a cluster has only 0', FORMS)
  return accepted({ mode: 'cluster', nodes: parts.hosts, ...access })
}

function parseDb(fromPath: string | undefined, query: URLSearchParams): ParseResult<number> {
  const text = fromPath ?? query.get('db') ?? '0'
  const db = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN
  if (!(db <= MAX_DB)) return refused('has a database that is not a number', 'end it with /0')
  return accepted(db)
}
