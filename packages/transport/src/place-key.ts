import type { StreamPartition } from './log-stream.ts'

/** `topic/partition`: the key of `LogConsumer.highWatermarks`. */
export function placeKey({ topic, partition }: StreamPartition): string {
  return `${topic}/${partition}`
}
