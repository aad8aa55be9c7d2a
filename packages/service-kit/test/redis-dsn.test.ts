import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { readEnvironment, secretValues } from '../src/environment.ts'
import { parseRedisDsn, redisConnection, redisVariables, type RedisConnection } from '../src/redis-dsn.ts'

function parsed(dsn: string): RedisConnection {
  const result = parseRedisDsn(dsn)
  assert.ok(result.ok, result.ok ? '' : `${dsn}: ${result.problem}`)
  return result.value
}

test('reads one server, with and without credentials, database and TLS', () => {
  assert.deepEqual(parsed('redis://r.example'), { mode: 'single', host: 'r.example', port: 6379, db: 0 })
  assert.deepEqual(parsed('redis://:p%40w@r.example:6380/3'), {
    mode: 'single',
    host: 'r.example',
    port: 6380,
    db: 3,
    password: 'p@w',
  })
  assert.deepEqual(parsed('rediss://u:pw@[::1]:6380?db=2'), {
    mode: 'single',
    host: '::1',
    port: 6380,
    db: 2,
    username: 'u',
    password: 'pw',
    tls: { rejectUnauthorized: true },
  })
  assert.deepEqual(parsed('rediss://r.example/0?skip_verify=true'), {
    mode: 'single',
    host: 'r.example',
    port: 6379,
    db: 0,
    tls: { rejectUnauthorized: false },
  })
})

test('reads Sentinel with its own credentials apart from those of the servers', () => {
  assert.deepEqual(
    parsed('redis+sentinel://:pw@s1:26379,s2:26380,s3/main/2?sentinel_username=su&sentinel_password=sp'),
    {
      mode: 'sentinel',
      sentinels: [
        {
          host: 's1',
          port: 26379,
        },
        {
          host: 's2',
          port: 26380,
        },
        {
          host: 's3',
          port: 26379,
        },
      ],
      masterName: 'main',
      db: 2,
      password: 'pw',
      sentinelUsername: 'su',
      sentinelPassword: 'sp',
    },
  )
  assert.deepEqual(parsed('rediss+sentinel://s1/main'), {
    mode: 'sentinel',
    sentinels: [
      {
        host: 's1',
        port: 26379,
      },
    ],
    masterName: 'main',
    db: 0,
    tls: { rejectUnauthorized: true },
  })
})

test('reads Cluster', () => {
  assert.deepEqual(parsed('rediss+cluster://u:pw@n1:7000,n2'), {
    mode: 'cluster',
    nodes: [
      {
        host: 'n1',
        port: 7e3,
      },
      {
        host: 'n2',
        port: 6379,
      },
    ],
    username: 'u',
    password: 'pw',
    tls: { rejectUnauthorized: true },
  })
})

test('refuses what would be misread, without the password', () => {
  const refused = {
    'http://:hunter2@h': /scheme/,
    'unix:///tmp/redis.sock': /scheme/,
    'redis://:hunter2@a,b/0': /more than one host/,
    'redis://:hunter2@h/x': /not a number/,
    'redis://:hunter2@h/0/1': /more than a database/,
    'redis+sentinel://:hunter2@s1': /master-name/,
    'redis+cluster://:hunter2@n1/2': /a cluster has only 0/,
    'redis://:hunter2@h?skip_verify=true': /without TLS/,
    'redis://:hunter2@h?skip_verfy=true': /unknown parameter: skip_verfy/,
    'redis://:%hunter2@h': /percent/,
  }
  for (const [dsn, pattern] of Object.entries(refused)) {
    const result = parseRedisDsn(dsn)
    assert.ok(!result.ok, `${dsn} was accepted`)
    assert.match(result.problem, pattern)
    assert.ok(!`${result.problem}${result.advice}`.includes('hunter2'))
  }
})

test('a CA switches verified TLS on; both passwords are known to the scrubber', () => {
  const schema = z.object(redisVariables())
  const source = { REDIS_DSN: 'redis+sentinel://:pw-one@s1/main?sentinel_password=pw-two', REDIS_TLS_CA: 'PEM' }
  const config = readEnvironment(schema, source)
  assert.deepEqual(redisConnection(config).tls, { rejectUnauthorized: true, ca: 'PEM' })
  assert.deepEqual(secretValues(schema, config).toSorted(), ['pw-one', 'pw-two'])
})
