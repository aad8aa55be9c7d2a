import type { LogBatchIdentity, LogEvent } from '@gpt-load/contracts/log-event'
import { openLogBatch } from '@gpt-load/transport/log-batch/log-batch'
import type { StreamRecord } from '@gpt-load/transport/log-stream'
import { cut, refuseEvent } from './log-row.ts'

/** What a record holds: events to be stored, and others that cannot be, each for itself with its bytes. */
export type OpenedRecord = {
  record: StreamRecord
  identity: LogBatchIdentity
  events: LogEvent[]
  /** Of the events: those that are counted only. */
  sampledOut: number
  letters: readonly EventLetter[]
}
export type EventLetter = { sequence: number; reason: string; bytes: Uint8Array }
/** A record that cannot be read goes whole. */
export type PoisonRecord = {
  record: StreamRecord
  reason: string
  /** As its sender wrote it beside the bytes. */
  identity: LogBatchIdentity | null
}

export function openRecords(records: readonly StreamRecord[]): { opened: OpenedRecord[]; poison: PoisonRecord[] } {
  const opened: OpenedRecord[] = []
  const poison: PoisonRecord[] = []
  for (const record of records) {
    const batch = openLogBatch(record.bytes)
    const identity = 'poison' in batch ? null : soundIdentity(batch.identity)
    if ('poison' in batch || identity === null) {
      const reason = 'poison' in batch ? batch.poison : 'the identity is none'
      poison.push({ record, reason, identity: record.identity && soundIdentity(record.identity) })
      continue
    }
    const events: LogEvent[] = []
    const letters: EventLetter[] = []
    for (const [index, entry] of batch.events.entries()) {
      const reason = entry.ok ? refuseEvent(entry.event) : entry.reason
      if (entry.ok && reason === null) events.push(entry.event)
      else letters.push({ sequence: identity.firstSequence + index, reason: reason ?? '', bytes: entry.bytes })
    }
    const sampledOut = events.reduce((sum, event) => sum + (event.isSampledOut ? 1 : 0), 0)
    opened.push({ record, identity, events, sampledOut, letters })
  }
  return { opened, poison }
}

/** As the columns hold it; null = it cannot name a batch. */
function soundIdentity({ source, edge, firstSequence, count }: LogBatchIdentity): LogBatchIdentity | null {
  const isSound = /^[\x21-\x7e]{1,80}$/.test(source) && firstSequence > 0 && count > 0
  return isSound ? { source, edge: cut(edge, 100), firstSequence, count } : null
}
