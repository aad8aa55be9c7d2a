// A batch of request records in its envelope (sealed-batch.ts). The payload is a protobuf message (log-event.proto): it may
// gain fields without a new version. Opening never throws, whatever the bytes are.

import { logBatchBounds } from '@gpt-load/contracts/log-event'
import type { LogBatchIdentity, LogEvent } from '@gpt-load/contracts/log-event'
import { decodeLogEvent } from './decode-log-event.ts'
import { payloadEventField, wireType } from './log-event-fields.ts'
import { createReader, MalformedMessage, readLength, readMessage } from './protobuf-reader.ts'
import type { FieldReader } from './protobuf-reader.ts'
import { openBatch, sealBatch, type LogBatchCodec } from './sealed-batch.ts'

/** `bytes` is the event alone, a view of the opened batch. */
export type DecodedLogEvent =
  | { ok: true; event: LogEvent; bytes: Uint8Array }
  | { ok: false; reason: string; bytes: Uint8Array }
/** `poison`: nothing in it can be read; the record goes to the dead letters whole. */
export type OpenedLogBatch = { identity: LogBatchIdentity; events: DecodedLogEvent[] } | { poison: string }

/** Ten times an edge's; an empty event takes two bytes, so bytes alone would not bound what is decoded. */
const maxBatchEvents = 10 * logBatchBounds.events

/** `events` is the payload of a LogEventWriter that holds `identity.count` events. */
export function sealLogBatch(batch: {
  identity: LogBatchIdentity
  events: Uint8Array
  codec: LogBatchCodec
}): Uint8Array<ArrayBuffer> {
  const { identity, events, codec } = batch
  return sealBatch('GLLB', { identity, payload: events, codec })
}

export function openLogBatch(bytes: Uint8Array): OpenedLogBatch {
  try {
    const { identity, payload } = openBatch('GLLB', bytes)
    const events = readEvents(payload, identity.count)
    if (events.length !== identity.count) {
      return { poison: `the batch holds ${events.length} events and says ${identity.count}` }
    }
    return { identity, events }
  } catch (error) {
    return { poison: error instanceof Error ? error.message : 'unreadable' }
  }
}

/** One bad event is reported alone; only broken framing spoils the batch. */
function readEvents(payload: Buffer, count: number): DecodedLogEvent[] {
  if (count > maxBatchEvents) throw new MalformedMessage(`a batch cannot hold ${count} events`)
  const draft: DraftEvents = { events: [], count }
  return readMessage(createReader(payload), payloadReaders, draft).events
}

type DraftEvents = { events: DecodedLogEvent[]; count: number }

const payloadReaders: FieldReader<DraftEvents>[] = []
payloadReaders[payloadEventField] = {
  type: wireType.bytes,
  read({ events, count }, reader) {
    if (events.length === count) throw new MalformedMessage(`the batch holds more events than the ${count} it says`)
    const end = readLength(reader)
    events.push(decodeOne(reader.buffer, reader.at, end))
    reader.at = end
  },
}

function decodeOne(buffer: Buffer, start: number, end: number): DecodedLogEvent {
  const bytes = buffer.subarray(start, end)
  try {
    return { ok: true, event: decodeLogEvent(buffer, start, end), bytes }
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error
    return { ok: false, reason: error.message, bytes }
  }
}
