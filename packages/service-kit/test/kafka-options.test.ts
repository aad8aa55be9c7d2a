import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { ConfigError } from '../src/config-error.ts'
import { readEnvironment, type EnvironmentSource } from '../src/environment.ts'
import { checkKafkaVariables, kafkaOptions, kafkaVariables } from '../src/kafka-options.ts'

function read(source: EnvironmentSource, files: Record<string, string> = {}) {
  const readFile = (path: string) => files[path] ?? assert.fail(path)
  return kafkaOptions(readEnvironment(z.object(kafkaVariables()), source, { checks: [checkKafkaVariables], readFile }))
}

function problems(source: EnvironmentSource): readonly string[] {
  try {
    read(source)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems.map(({ variable, problem }) => `${variable} ${problem}`)
  }
  return []
}

test('brokers alone are enough', () => {
  assert.deepEqual(read({ KAFKA_BROKERS: 'k1:9092, k2 ,[::1]:9093' }), {
    brokers: ['k1:9092', 'k2:9092', '[::1]:9093'],
    topicPrefix: 'gptload.',
  })
})

test('reads TLS with a CA file and SASL with a password file', () => {
  const source = {
    KAFKA_BROKERS: 'k1:9093',
    KAFKA_TLS_CA_FILE: '/ca',
    KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
    KAFKA_SASL_USERNAME: 'u',
    KAFKA_SASL_PASSWORD_FILE: '/pw',
    KAFKA_TOPIC_PREFIX: 'test-1.',
  }
  assert.deepEqual(read(source, { '/ca': 'PEM\n', '/pw': 'secret\n' }), {
    brokers: ['k1:9093'],
    topicPrefix: 'test-1.',
    tls: {
      rejectUnauthorized: true,
      ca: 'PEM',
    },
    sasl: {
      mechanism: 'scram-sha-512',
      username: 'u',
      password: 'secret',
    },
  })
  assert.deepEqual(read({ KAFKA_BROKERS: 'k', KAFKA_TLS: 'on', KAFKA_TLS_SKIP_VERIFY: '1' }).tls, {
    rejectUnauthorized: false,
  })
})

test('contradictions are reported together', () => {
  assert.deepEqual(
    problems({ KAFKA_TLS: 'off', KAFKA_TLS_CA: 'PEM', KAFKA_SASL_MECHANISM: 'plain', KAFKA_TLS_SKIP_VERIFY: 'on' }),
    [
      'KAFKA_BROKERS is required and not set',
      'KAFKA_TLS is off although KAFKA_TLS_CA is set',
      'KAFKA_TLS_SKIP_VERIFY is on without KAFKA_TLS',
      'KAFKA_SASL_USERNAME is needed with KAFKA_SASL_MECHANISM and not set',
      'KAFKA_SASL_PASSWORD is needed with KAFKA_SASL_MECHANISM and not set',
    ],
  )
  assert.deepEqual(problems({ KAFKA_BROKERS: 'k', KAFKA_SASL_PASSWORD: 'x' }), [
    'KAFKA_SASL_PASSWORD is set without KAFKA_SASL_MECHANISM',
  ])
})

test('refuses brokers and prefixes that Kafka would refuse later', () => {
  assert.equal(problems({ KAFKA_BROKERS: 'k:0' }).length, 1)
  assert.equal(problems({ KAFKA_BROKERS: 'kafka://k:9092' }).length, 1)
  assert.equal(problems({ KAFKA_BROKERS: ',' }).length, 1)
  assert.equal(problems({ KAFKA_BROKERS: 'k', KAFKA_TOPIC_PREFIX: 'a b' }).length, 1)
  assert.equal(problems({ KAFKA_BROKERS: 'k', KAFKA_SASL_MECHANISM: 'gssapi' }).length, 1)
})
