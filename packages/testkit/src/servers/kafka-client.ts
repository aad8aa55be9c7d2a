import { Kafka, logLevel } from 'kafkajs'
import type { KafkaConfig } from 'kafkajs'

/** kafkajs, silent: what a test wants to know it gets by an error. */
export function createKafkaClient(brokers: string[], config: Omit<KafkaConfig, 'brokers'> = {}): Kafka {
  return new Kafka({ clientId: 'gpt-load-testkit', logLevel: logLevel.NOTHING, ...config, brokers })
}
