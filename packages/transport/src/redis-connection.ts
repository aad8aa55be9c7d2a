import type { TransportTls } from './tls-options.ts'

/** How Redis is reached. Structurally what packages/service-kit's redis-dsn gives; transport does not depend on it. */
type HostPort = { readonly host: string; readonly port: number }
type RedisAccess = { readonly username?: string; readonly password?: string; readonly tls?: TransportTls }

export type RedisSingle = RedisAccess & HostPort & { readonly mode: 'single'; readonly db?: number }

export type RedisSentinel = RedisAccess & {
  readonly mode: 'sentinel'
  readonly sentinels: readonly HostPort[]
  readonly masterName: string
  readonly db?: number
  readonly sentinelUsername?: string
  readonly sentinelPassword?: string
}

export type RedisCluster = RedisAccess & { readonly mode: 'cluster'; readonly nodes: readonly HostPort[] }

export type RedisConnection = RedisSingle | RedisSentinel | RedisCluster
