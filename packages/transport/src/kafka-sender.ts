// Acknowledged sends for producers of ours. Not an idempotent producer: after an unknown outcome kafkajs either repeats
// for ever or stumbles over its sequence numbers, while our batches carry an identity that makes a second copy harmless.

import kafkajs from 'kafkajs'
import type { Message, PartitionerArgs } from 'kafkajs'
import { createKafkaClient, kafkaRetry } from './kafka-client.ts'
import type { KafkaClientOptions } from './kafka-client.ts'
import { withTimeout } from './with-timeout.ts'

export interface KafkaSender {
  /** Resolves when every in-sync replica has all messages; rejects within `sendTimeoutMs` otherwise. */
  send(topic: string, messages: Message[]): Promise<void>
  /** The last thing that was tried succeeded. */
  isConnected(): boolean
  close(): Promise<void>
}

export type KafkaSenderOptions = Omit<KafkaClientOptions, 'requestTimeoutMs'> & {
  /** Default 5 s: a broker that fails over needs less, a caller with a spool should not wait longer. */
  sendTimeoutMs?: number
}

const defaultSendTimeoutMs = 5_000
const closeTimeoutMs = 2_000
const allInSyncReplicas = -1

/** Connects in the background at once; while that fails, every send tries again. */
export function createKafkaSender(options: KafkaSenderOptions): KafkaSender {
  const { sendTimeoutMs = defaultSendTimeoutMs } = options
  const kafka = createKafkaClient({ ...options, requestTimeoutMs: sendTimeoutMs })
  const producer = kafka.producer({
    idempotent: false,
    allowAutoTopicCreation: false,
    createPartitioner: roundRobin,
    retry: kafkaRetry,
  })
  let isConnected = false
  let connecting: Promise<void> | undefined
  const connect = (): Promise<void> => {
    connecting ??= producer.connect().then(
      () => void (isConnected = true),
      (error: unknown) => {
        connecting = undefined
        throw error
      },
    )
    return connecting
  }
  const deliver = async (topic: string, messages: Message[]): Promise<void> => {
    await connect()
    const compression = kafkajs.CompressionTypes.None
    await producer.send({ topic, messages, compression, acks: allInSyncReplicas, timeout: sendTimeoutMs })
  }
  connect().catch(() => undefined)
  return {
    async send(topic, messages) {
      try {
        await withTimeout(deliver(topic, messages), sendTimeoutMs, 'a send to Kafka')
        isConnected = true
      } catch (error) {
        isConnected = false
        throw error
      }
    },
    isConnected: () => isConnected,
    async close() {
      isConnected = false
      await withTimeout(producer.disconnect(), closeTimeoutMs, 'disconnecting from Kafka').catch(() => undefined)
    },
  }
}

/** Evenly over the partitions that have a leader: our records have no order among each other. */
function roundRobin(): (args: PartitionerArgs) => number {
  let next = Math.floor(Math.random() * 1_000)
  return ({ partitionMetadata }) => {
    const led = partitionMetadata.filter(({ leader }) => leader >= 0)
    const choice = led.length > 0 ? led : partitionMetadata
    return choice[next++ % choice.length]?.partitionId ?? 0
  }
}
