import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigError } from '@gpt-load/service-kit/config-error'
import { readProxyEdgeConfig } from '../src/config.ts'

const EDGE_TOKEN = 'edge-token-of-the-test-0123456789abcdef'
const CONFIG_SERVICE_URLS = 'http://config:9080'
const REDIS_DSN = 'redis://redis:6379/0'
const KAFKA_BROKERS = 'kafka:9092'

function problemsOf(environment: Record<string, string>): string[] {
  try {
    readProxyEdgeConfig({ EDGE_TOKEN, ...environment })
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map(({ variable, problem }) => `${variable} ${problem}`)
  }
}

describe('an edge is attached or detached, never half of both', () => {
  for (const [what, environment] of Object.entries({
    'a cluster': { CONFIG_SERVICE_URLS, REDIS_DSN, KAFKA_BROKERS },
    'a cluster without Redis': { CONFIG_SERVICE_URLS, KAFKA_BROKERS },
    'a file': { SNAPSHOT_STORE: 'file:/var/lib/gpt-load' },
    'a snapshot in Redis': { SNAPSHOT_STORE: 'redis', REDIS_DSN },
  }))
    test(`${what} is enough`, () => assert.deepEqual(problemsOf(environment), []))

  for (const [environment, problem] of [
    [{}, 'CONFIG_SERVICE_URLS is not set, nor SNAPSHOT_STORE to serve from without it'],
    [
      { SNAPSHOT_STORE: 'file:/dir', REDIS_DSN, KAFKA_BROKERS },
      'CONFIG_SERVICE_URLS is not set although REDIS_DSN and KAFKA_BROKERS are',
    ],
    [{ SNAPSHOT_STORE: 'file:/dir', REDIS_DSN }, 'CONFIG_SERVICE_URLS is not set although REDIS_DSN is'],
    [{ SNAPSHOT_STORE: 'redis' }, 'REDIS_DSN is not set and SNAPSHOT_STORE is redis'],
    [{ CONFIG_SERVICE_URLS, REDIS_DSN }, 'KAFKA_BROKERS is not set and CONFIG_SERVICE_URLS is'],
  ] as const)
    test(`refused: ${problem}`, () => assert.deepEqual(problemsOf(environment), [problem]))
})
