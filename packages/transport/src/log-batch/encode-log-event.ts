// Events into the payload of a batch. Runs once per request beside the streams: one buffer per writer, reused from batch
// to batch, and no allocation per event.

import type { LogEvent } from '@gpt-load/contracts/log-event'
import { maxEncodedAttempts, wireStringBounds as bounds } from './log-event-fields.ts'
import { maxNumberFieldBytes, maxStringFieldBytes, messageOverheadBytes, reserve } from './protobuf-writer.ts'
import type { ProtobufWriter } from './protobuf-writer.ts'
import { putLogEvent } from './put-log-event.ts'
import { RecordTemplates } from './record-templates.ts'

const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0)

const maxAttemptBytes =
  messageOverheadBytes +
  9 * maxNumberFieldBytes +
  sum([bounds.key_hint, bounds.upstream, bounds.error_code, bounds.error_message].map(maxStringFieldBytes))
const maxEventBytes =
  messageOverheadBytes +
  21 * maxNumberFieldBytes +
  sum(
    [
      bounds.request_id,
      bounds.group_name,
      bounds.group_name,
      bounds.method,
      bounds.request_path,
      bounds.model,
      bounds.model,
      bounds.client_address,
      bounds.user_agent,
      bounds.error_code,
      bounds.error_message,
    ].map(maxStringFieldBytes),
  )

/** `length` is the payload's bytes so far, `count` its events. The owner seals at logBatchBounds and resets. */
export type LogEventWriter = ProtobufWriter & { count: number; readonly templates: RecordTemplates }

const initialWriterBytes = 65_536

export function createLogEventWriter(): LogEventWriter {
  return {
    buffer: Buffer.allocUnsafeSlow(initialWriterBytes),
    length: 0,
    count: 0,
    templates: new RecordTemplates(),
  }
}

/** The payload so far: a view that the next `encodeLogEvent` or `resetWriter` invalidates. */
export function payloadOf(writer: LogEventWriter): Uint8Array {
  return writer.buffer.subarray(0, writer.length)
}

export function resetWriter(writer: LogEventWriter): void {
  writer.length = 0
  writer.count = 0
}

export function encodeLogEvent(writer: LogEventWriter, event: LogEvent): void {
  reserve(writer, maxEventBytes + Math.min(event.attempts.length, maxEncodedAttempts) * maxAttemptBytes)
  if (!writer.templates.put(writer, event)) putLogEvent(writer, event)
  writer.count++
}
