// The producing end of the log stream over Kafka: sealed batches from edges. A sealed batch becomes one record, byte for
// byte; its identity is repeated in the headers, for tools and for records that cannot be read.

import { logTopic } from '@gpt-load/contracts/log-event'
import type { Message } from 'kafkajs'
import { kafkaName } from './kafka-client.ts'
import { createKafkaSender } from './kafka-sender.ts'
import type { KafkaSenderOptions } from './kafka-sender.ts'
import type { LogProducer, SealedBatch } from './log-stream.ts'

export type KafkaLogProducerOptions = KafkaSenderOptions & {
  /** Without the prefix; default `request-logs`. */
  topic?: string
}

/**
 * kafkajs packs all messages of a partition into one record batch, which a broker takes up to `max.message.bytes`
 * (1,048,588 by default). Keeping a whole request below holds however the messages fall on partitions.
 */
const maxRequestBytes = 900_000
/** Of one `send`; more only queues at the broker's connection. */
const maxRequestsInFlight = 4

export function createKafkaLogProducer(options: KafkaLogProducerOptions): LogProducer {
  const sender = createKafkaSender(options)
  const topic = kafkaName(options.connection, options.topic ?? logTopic)
  return {
    async send(batches) {
      const requests = groupByBytes(batches)
      for (let i = 0; i < requests.length; i += maxRequestsInFlight) {
        const window = requests.slice(i, i + maxRequestsInFlight)
        await Promise.all(window.map((group) => sender.send(topic, group.map(batchMessage))))
      }
    },
    isConnected: () => sender.isConnected(),
    close: () => sender.close(),
  }
}

function batchMessage({ identity, bytes }: SealedBatch): Message {
  return {
    key: null,
    value: asBuffer(bytes),
    headers: {
      source: identity.source,
      edge: identity.edge,
      first_sequence: String(identity.firstSequence),
      count: String(identity.count),
    },
  }
}

function groupByBytes(batches: readonly SealedBatch[]): SealedBatch[][] {
  const groups: SealedBatch[][] = []
  let room = 0
  for (const batch of batches) {
    if (batch.bytes.length > room) {
      groups.push([])
      room = maxRequestBytes
    }
    groups.at(-1)?.push(batch)
    room -= batch.bytes.length
  }
  return groups
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
