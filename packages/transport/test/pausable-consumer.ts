// A consumer in a process of its own, so that a test can stop it (SIGSTOP) with its sockets open. Its handler asks the
// parent, which holds the ledger.

import { createKafkaLogConsumer } from '../src/kafka-log-consumer.ts'
import { SeekRequired } from '../src/log-stream.ts'
import type { StreamPartition, StreamRecord } from '../src/log-stream.ts'

export type ParentRequest =
  | { id: number; kind: 'start'; place: StreamPartition }
  | { id: number; kind: 'handle'; place: StreamPartition; records: StreamRecord[] }
export type ParentReply = { id: number; offset?: string | null; needsSeek?: boolean }

const [brokers = '', topicPrefix = '', groupId = '', topic = ''] = process.argv.slice(2)
const waiting = new Map<number, (reply: ParentReply) => void>()
let lastId = 0

process.on('message', (reply: ParentReply) => waiting.get(reply.id)?.(reply))
process.on('disconnect', () => process.exit())

function ask(request: Omit<ParentRequest, 'id'>): Promise<ParentReply> {
  return new Promise((resolve) => {
    const id = ++lastId
    waiting.set(id, resolve)
    process.send?.({ id, ...request })
  })
}

const consumer = createKafkaLogConsumer({
  connection: { brokers: brokers.split(','), topicPrefix },
  clientId: 'pausable',
  groupId,
  topics: [topic],
  sessionTimeoutMs: 6_000,
})
await consumer.run({
  startOffset: async (place) => (await ask({ kind: 'start', place })).offset ?? null,
  async handle(place, records) {
    const { needsSeek } = await ask({ kind: 'handle', place, records } as Omit<ParentRequest, 'id'>)
    if (needsSeek) throw new SeekRequired()
  },
  onRevoked: () => undefined,
})
