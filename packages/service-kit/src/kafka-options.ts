// The KAFKA_* variables: brokers, TLS, SASL and the prefix of the topics, as one plain value that packages/transport
// turns into its client's options.

import type { EnvironmentCheck } from './environment.ts'
import { parseHostPort } from './dsn-parts.ts'
import {
  envBoolean,
  envChoice,
  envParsed,
  envSecret,
  envString,
  listItems,
  type EnvironmentVariable,
} from './environment-variables.ts'
import { accepted, refused, type ParseResult } from './parse-result.ts'
import { tlsField, tlsWithCa, type TlsOptions } from './tls-options.ts'

const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const

export type KafkaSasl = {
  readonly mechanism: (typeof SASL_MECHANISMS)[number]
  readonly username: string
  readonly password: string
}

export type KafkaOptions = {
  /** host:port each. */
  readonly brokers: readonly string[]
  readonly topicPrefix: string
  readonly tls?: TlsOptions
  readonly sasl?: KafkaSasl
}

export type KafkaValues = {
  readonly KAFKA_BROKERS: readonly string[]
  readonly KAFKA_TLS?: boolean | undefined
  readonly KAFKA_TLS_CA?: string | undefined
  readonly KAFKA_TLS_SKIP_VERIFY: boolean
  readonly KAFKA_SASL_MECHANISM?: KafkaSasl['mechanism'] | undefined
  readonly KAFKA_SASL_USERNAME?: string | undefined
  readonly KAFKA_SASL_PASSWORD?: string | undefined
  readonly KAFKA_TOPIC_PREFIX: string
}

const KAFKA_PORT = 9092
/** A topic's name has at most 249 characters; this leaves room for ours. */
const TOPIC_PREFIX = /^[a-zA-Z0-9._-]{0,128}$/

/** To be spread into a schema; add `checkKafkaVariables` to the checks and read them back with `kafkaOptions`. */
export function kafkaVariables(): { [K in keyof KafkaValues]-?: EnvironmentVariable<KafkaValues[K]> } {
  return {
    KAFKA_BROKERS: envParsed(parseBrokers, {
      description: 'Brokers to start from: `host:9092,host:9092`',
      missingAdvice: 'list some brokers: host:9092,host:9092',
    }),
    KAFKA_TLS: envBoolean({ description: 'TLS to the brokers' }).optional(),
    KAFKA_TLS_CA: envString({
      description: 'PEM certificates that the brokers are verified against; switches TLS on',
    }).optional(),
    KAFKA_TLS_SKIP_VERIFY: envBoolean({ default: false, description: 'Encrypt without verifying the brokers' }),
    KAFKA_SASL_MECHANISM: envChoice(SASL_MECHANISMS, { description: `SASL: ${SASL_MECHANISMS.join(', ')}` }).optional(),
    KAFKA_SASL_USERNAME: envString({ description: 'SASL user' }).optional(),
    KAFKA_SASL_PASSWORD: envSecret({ description: 'SASL password' }).optional(),
    KAFKA_TOPIC_PREFIX: envString({
      default: 'gptload.',
      description: 'Begins the name of every topic and consumer group',
      pattern: TOPIC_PREFIX,
      patternAdvice: 'use letters, digits, dots, hyphens and underscores only, 128 at most',
    }),
  }
}

export const checkKafkaVariables: EnvironmentCheck<Omit<KafkaValues, 'KAFKA_BROKERS'>> = (values, report) => {
  if (values.KAFKA_TLS === false && values.KAFKA_TLS_CA !== undefined) {
    report('KAFKA_TLS', 'is off although KAFKA_TLS_CA is set', 'switch it on or remove the CA')
  }
  if (values.KAFKA_TLS_SKIP_VERIFY && !values.KAFKA_TLS) {
    report('KAFKA_TLS_SKIP_VERIFY', 'is on without KAFKA_TLS', 'set KAFKA_TLS=true')
  }
  const hasMechanism = values.KAFKA_SASL_MECHANISM !== undefined
  for (const name of ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const) {
    const isSet = values[name] !== undefined
    if (hasMechanism && !isSet) report(name, 'is needed with KAFKA_SASL_MECHANISM and not set', 'set it')
    if (!hasMechanism && isSet) {
      report(name, 'is set without KAFKA_SASL_MECHANISM', `set KAFKA_SASL_MECHANISM to ${SASL_MECHANISMS.join(', ')}`)
    }
  }
}

export function kafkaOptions(config: KafkaValues): KafkaOptions {
  const switchedOn = config.KAFKA_TLS ? { rejectUnauthorized: !config.KAFKA_TLS_SKIP_VERIFY } : undefined
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = config
  return Object.freeze({
    brokers: config.KAFKA_BROKERS,
    topicPrefix: config.KAFKA_TOPIC_PREFIX,
    ...tlsField(tlsWithCa(switchedOn, config.KAFKA_TLS_CA)),
    ...(mechanism && username && password ? { sasl: Object.freeze({ mechanism, username, password }) } : {}),
  })
}

function parseBrokers(text: string): ParseResult<readonly string[]> {
  const brokers: string[] = []
  for (const item of listItems(text)) {
    const broker = parseHostPort(item, KAFKA_PORT)
    if (!broker.ok) return refused('has a broker that is not host:port', 'write it like host:9092,host:9092')
    const { host, port } = broker.value
    brokers.push(host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)
  }
  return brokers.length > 0 ? accepted(brokers) : refused('names no broker', 'write it like host:9092,host:9092')
}
