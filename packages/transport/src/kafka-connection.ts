import type { TransportTls } from './tls-options.ts'

/** How Kafka is reached. Structurally what packages/service-kit's kafka-options gives; transport does not depend on it. */
export type KafkaConnection = {
  /** host:port each. */
  readonly brokers: readonly string[]
  /** Prefix of every topic and group name. */
  readonly topicPrefix: string
  readonly tls?: TransportTls
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
    readonly username: string
    readonly password: string
  }
}
