// Events into the payload of a batch. Runs once per request beside the streams: into memory that is there already, and no
// allocation per event.

import { logBatchBounds } from '@gpt-load/contracts/log-event'
import type { LogEvent } from '@gpt-load/contracts/log-event'
import { maxEncodedAttempts, wireStringBounds as bounds } from './log-event-fields.ts'
import { maxNumberFieldBytes, maxStringFieldBytes, messageOverheadBytes } from './protobuf-writer.ts'
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

/** What a writer's memory has to hold: a payload that is sealed by its bytes exceeds them by less than one record. */
export const maxLogPayloadBytes = logBatchBounds.bytes + maxEventBytes + maxEncodedAttempts * maxAttemptBytes

/** `length` is the payload's bytes so far, `count` its events. The owner seals at logBatchBounds. */
export type LogEventWriter = ProtobufWriter & { count: number; readonly templates: RecordTemplates }

/** @param buffer of `maxLogPayloadBytes` */
export function createLogEventWriter(buffer: Buffer = Buffer.allocUnsafeSlow(maxLogPayloadBytes)): LogEventWriter {
  return { buffer, length: 0, count: 0, templates: new RecordTemplates() }
}

/** The payload so far: a view that the next `encodeLogEvent` invalidates. */
export function payloadOf(writer: LogEventWriter): Uint8Array {
  return writer.buffer.subarray(0, writer.length)
}

/** Begins the next payload, in the same memory or in other. */
export function resetWriter(writer: LogEventWriter, buffer: Buffer = writer.buffer): void {
  writer.buffer = buffer
  writer.length = 0
  writer.count = 0
}

/** @throws RangeError when the payload had to be sealed before */
export function encodeLogEvent(writer: LogEventWriter, event: LogEvent): void {
  if (writer.length >= logBatchBounds.bytes) throw new RangeError(`a payload of ${writer.length} bytes takes no more`)
  if (!writer.templates.put(writer, event)) putLogEvent(writer, event)
  writer.count++
}
