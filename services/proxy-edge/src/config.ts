// Everything that proxy-edge reads from its environment. Nothing else in this service reads `process.env`.

import { hostname } from 'node:os'
import { z } from 'zod'
import { adminVariables } from '@gpt-load/service-kit/admin-server'
import { checkCors, corsVariables } from '@gpt-load/service-kit/cors-variables'
import { edgeTokenVariable } from '@gpt-load/service-kit/edge-token'
import { readEnvironment, type EnvironmentCheck, type EnvironmentSource } from '@gpt-load/service-kit/environment'
import {
  envChoice,
  envDurationMs,
  envInteger,
  envParsed,
  envString,
  listItems,
} from '@gpt-load/service-kit/environment-variables'
import { checkKafkaVariables, kafkaVariables } from '@gpt-load/service-kit/kafka-options'
import { logVariables } from '@gpt-load/service-kit/logger'
import {
  allowPrivateUpstreamsVariable,
  outboundProxyVariables,
  upstreamCaVariable,
  withLowerCaseProxies,
} from '@gpt-load/service-kit/outbound-proxy-variables'
import { accepted, refused } from '@gpt-load/service-kit/parse-result'
import { redisVariables } from '@gpt-load/service-kit/redis-dsn'
import { trustedProxiesVariable } from '@gpt-load/service-kit/trusted-proxies-variable'
import { spoolFsyncPolicies } from './access-log/spool/log-spool.ts'
import { wireNames } from './data-plane/wire/create-wires.ts'
import { logBatchCodecs } from '@gpt-load/transport/log-batch/sealed-batch'

export type SnapshotStoreChoice = { kind: 'none' } | { kind: 'redis' } | { kind: 'file'; dir: string }

const mebibyte = 1_048_576

/** The request path's part: standalone reads the same variables. */
export function requestPathVariables() {
  return {
    SERVER_READ_TIMEOUT: envDurationMs({
      default: 60_000,
      minMs: 1_000,
      description: 'Longest time for a request head, and longest stall inside a request body',
    }),
    SERVER_WRITE_TIMEOUT: envDurationMs({
      default: 600_000,
      minMs: 1_000,
      description: 'Longest time that a client may take nothing; no limit on the duration of an answer',
    }),
    SERVER_IDLE_TIMEOUT: envDurationMs({
      default: 120_000,
      minMs: 1_000,
      description: 'An idle client connection is closed after this',
    }),
    SERVER_GRACEFUL_SHUTDOWN_TIMEOUT: envDurationMs({
      default: 10_000,
      description: 'Time that open streams have to finish when the edge drains; then they are cut',
    }),
    MAX_CONCURRENT_REQUESTS: envInteger({
      default: 0,
      min: 0,
      max: 1_000_000,
      description: 'Proxy requests at once, over all workers; 0 = no limit but memory',
    }),
    MAX_LOOP_LAG_MS: envInteger({
      default: 250,
      min: 0,
      max: 60_000,
      description: 'A worker whose event loop is later than this for 0.1 s refuses new requests; 0 = never',
    }),
    ...corsVariables(),
    WIRE: envChoice(wireNames, {
      default: 'http1',
      description: 'What speaks HTTP/1.1: http1 (our own codec), node (node:http and undici, without WebSockets)',
    }),
    ALLOW_PRIVATE_UPSTREAMS: allowPrivateUpstreamsVariable(),
    TRUSTED_PROXIES: trustedProxiesVariable(),
    MAX_REPLAY_BYTES: envInteger({
      default: 64 * mebibyte,
      min: 0,
      description: 'Memory of one worker for request bodies that are kept for a retry',
    }),
    TLS_CERT: envString({
      default: '',
      description:
        'File with the certificate (PEM, with its chain) that clients are served under; read again on change',
    }),
    TLS_KEY: envString({ default: '', description: 'File with its key' }),
    UPSTREAM_CA: upstreamCaVariable(),
    ...outboundProxyVariables(),
    LOG_BATCH_CODEC: envChoice(logBatchCodecs, {
      default: 'zstd',
      description: 'Compression of request log batches: none, gzip, zstd',
    }),
    LOG_MAX_WAITING_BYTES: envInteger({
      default: 64 * mebibyte,
      min: mebibyte,
      description:
        'Memory for request log batches that wait for the log stream; past it the oldest are dropped and counted',
    }),
  }
}

const requestPathSchema = z.object(requestPathVariables())
export type RequestPathConfig = Readonly<z.output<typeof requestPathSchema>>

const { REDIS_DSN, ...otherRedisVariables } = redisVariables()
const { KAFKA_BROKERS, ...otherKafkaVariables } = kafkaVariables()

export const proxyEdgeVariables = z.object({
  PORT: envInteger({ default: 3001, min: 0, max: 65_535, description: 'Port of the proxy; 0 = any free one' }),
  HOST: envString({ default: '0.0.0.0', description: 'Address of the proxy' }),
  ...adminVariables(),
  EDGE_NAME: envString({
    default: hostname(),
    pattern: /^[\w.-]{1,100}$/,
    patternAdvice: 'use letters, digits, dots, dashes and underscores',
    description: 'Name of this edge in reports, logs and causes',
  }).meta({ defaultText: 'host name', description: 'Name of this edge in reports, logs and causes' }),
  EDGE_TOKEN: edgeTokenVariable(),
  CONFIG_SERVICE_URLS: envParsed(parseUrls, {
    description:
      'Internal listeners of config-service: `http://host:9080,http://host:9080`; without it the edge is detached',
  }).optional(),
  REDIS_DSN: REDIS_DSN.optional(),
  ...otherRedisVariables,
  REDIS_KEY_PREFIX: envString({ default: 'gpt-load:', description: 'Before every key and channel in Redis' }),
  KAFKA_BROKERS: KAFKA_BROKERS.optional(),
  ...otherKafkaVariables,
  ...logVariables(),
  SNAPSHOT_STORE: envParsed(parseSnapshotStore, {
    default: { kind: 'none' } as SnapshotStoreChoice,
    defaultText: 'none',
    description: 'Where the last good snapshot is kept: `none`, `file:/dir`, `redis`',
  }),
  MAX_SNAPSHOT_AGE: envDurationMs({
    default: 86_400_000,
    minMs: 60_000,
    description: 'Oldest stored snapshot to start from; serving on from memory past it is allowed and shown',
  }),
  WORKERS: envInteger({ default: 1, min: 1, max: 64, description: 'Data-plane threads; they share the port' }),
  DRAIN_DELAY_MS: envInteger({
    default: 5_000,
    min: 0,
    max: 600_000,
    description: 'Milliseconds for which a draining edge still accepts, until balancers have noticed',
  }),
  LOG_SPOOL_DIR: envString({
    default: './data/spool',
    description: 'Where request records wait on disk while Kafka is away; empty = in memory only',
  }),
  LOG_SPOOL_MAX_BYTES: envInteger({
    default: 1_024 * mebibyte,
    min: 16 * mebibyte,
    description: 'Disk for them; past it the oldest are dropped and counted',
  }),
  LOG_SPOOL_FSYNC: envChoice(spoolFsyncPolicies, {
    default: 'segment',
    description: 'When they are forced to the disk: always (each write), segment (every 8 MiB), never',
  }),
  LOG_SPOOL_TAKEOVER_AFTER: envDurationMs({
    default: 60_000,
    minMs: 2_000,
    description: 'What a process left there is taken over by another one when it has been silent for so long',
  }),
  ...requestPathVariables(),
})
export type ProxyEdgeConfig = z.output<typeof proxyEdgeVariables>

export function readProxyEdgeConfig(source: EnvironmentSource = process.env): Readonly<ProxyEdgeConfig> {
  return readEnvironment(proxyEdgeVariables, withLowerCaseProxies(source), {
    checks: [checkControlPlane, checkKafkaVariables, checkCors, checkTls],
  })
}

type ControlPlaneValues = Pick<
  ProxyEdgeConfig,
  'CONFIG_SERVICE_URLS' | 'REDIS_DSN' | 'KAFKA_BROKERS' | 'SNAPSHOT_STORE'
>

/** Either all of a cluster, or none of it: an edge must not be detached because a variable was forgotten. */
export const checkControlPlane: EnvironmentCheck<ControlPlaneValues> = (values, report) => {
  const { CONFIG_SERVICE_URLS: urls, REDIS_DSN: redis, KAFKA_BROKERS: brokers, SNAPSHOT_STORE: store } = values
  if (store?.kind === 'redis' && redis === undefined)
    report('REDIS_DSN', 'is not set and SNAPSHOT_STORE is redis', 'set it, or use file:/dir')
  if (urls !== undefined) {
    if (brokers === undefined)
      report('KAFKA_BROKERS', 'is not set and CONFIG_SERVICE_URLS is', 'list some brokers: host:9092,host:9092')
    return
  }
  const cluster = [
    ...(redis !== undefined && store?.kind !== 'redis' ? ['REDIS_DSN'] : []),
    ...(brokers === undefined ? [] : ['KAFKA_BROKERS']),
  ]
  const listThem = 'list the internal listeners of config-service: http://host:9080,http://host:9080'
  if (cluster.length > 0)
    report(
      'CONFIG_SERVICE_URLS',
      `is not set although ${cluster.join(' and ')} ${cluster.length > 1 ? 'are' : 'is'}`,
      `${listThem}; an edge without it has none of them`,
    )
  else if (store?.kind === 'none')
    report('CONFIG_SERVICE_URLS', 'is not set, nor SNAPSHOT_STORE to serve from without it', listThem)
}

type TlsValues = { TLS_CERT: string; TLS_KEY: string }

export const checkTls: EnvironmentCheck<TlsValues> = ({ TLS_CERT = '', TLS_KEY = '' }, report) => {
  if (TLS_CERT !== '' && TLS_KEY === '') report('TLS_KEY', 'is not set and TLS_CERT is', 'name the file of its key')
  if (TLS_KEY !== '' && TLS_CERT === '')
    report('TLS_CERT', 'is not set and TLS_KEY is', 'name the file of its certificate')
}

function parseUrls(text: string) {
  const urls = listItems(text)
  if (urls.length === 0) return refused('names no URL', 'write http://host:9080')
  const isBad = urls.some((url) => {
    const parsed = URL.parse(url)
    return !parsed || !['http:', 'https:'].includes(parsed.protocol) || parsed.username !== '' || parsed.password !== ''
  })
  return isBad
    ? refused('has an item that is not an http URL', 'write http://host:9080,http://host:9080')
    : accepted(urls)
}

function parseSnapshotStore(text: string) {
  const choice = text.trim()
  if (choice === 'none' || choice === 'redis') return accepted<SnapshotStoreChoice>({ kind: choice })
  const dir = /^file:(.+)$/.exec(choice)?.[1]
  return dir === undefined
    ? refused('is not a snapshot store', 'use none, redis or file:/dir')
    : accepted<SnapshotStoreChoice>({ kind: 'file', dir })
}
