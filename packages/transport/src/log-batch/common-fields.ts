import type { LogEvent } from '@gpt-load/contracts/log-event'
import type { ProtobufWriter } from './protobuf-writer.ts'

/**
 * Half of an event is what the caller's other requests have too: group, path, models, access key, address, user agent. Their
 * fields stand in one run, and a run that was encoded before is copied: one call in place of thirteen fields, most of them text.
 *
 * Bounded: a place holds one run, and takes another one with every sixteenth miss: where no two requests are alike,
 * remembering them would cost more than it ever saves.
 */
const places = 64
const maxRunBytes = 256
const keepEvery = 16

/** What stands in the run; two events that agree in it have the same bytes there. */
export type CommonFields = Pick<
  LogEvent,
  | 'groupId'
  | 'groupName'
  | 'memberGroupId'
  | 'memberGroupName'
  | 'channel'
  | 'method'
  | 'requestPath'
  | 'modelRequested'
  | 'modelSent'
  | 'isStream'
  | 'accessKeyId'
  | 'clientAddress'
  | 'userAgent'
>

type Run = { bytes: Uint8Array; fields: CommonFields }

/** What differs most often first. */
function areEqual(known: CommonFields, event: CommonFields): boolean {
  return (
    known.groupId === event.groupId &&
    known.accessKeyId === event.accessKeyId &&
    known.memberGroupId === event.memberGroupId &&
    known.isStream === event.isStream &&
    known.clientAddress === event.clientAddress &&
    known.modelSent === event.modelSent &&
    known.userAgent === event.userAgent &&
    known.requestPath === event.requestPath &&
    known.modelRequested === event.modelRequested &&
    known.groupName === event.groupName &&
    known.memberGroupName === event.memberGroupName &&
    known.channel === event.channel &&
    known.method === event.method
  )
}

function copyOf(event: CommonFields): CommonFields {
  const { groupId, groupName, memberGroupId, memberGroupName, channel, isStream, accessKeyId } = event
  return {
    groupId,
    groupName,
    memberGroupId,
    memberGroupName,
    channel,
    isStream,
    accessKeyId,
    method: ownText(event.method),
    requestPath: ownText(event.requestPath),
    modelRequested: ownText(event.modelRequested),
    modelSent: ownText(event.modelSent),
    clientAddress: ownText(event.clientAddress),
    userAgent: ownText(event.userAgent),
  }
}

/** What was cut out of a request's head would keep all of that head in memory, credentials included. */
function ownText(text: string): string {
  return Buffer.from(text).toString()
}

export class RecentRuns {
  readonly #memory = Buffer.allocUnsafeSlow(places * maxRunBytes)
  readonly #runs: (Run | null)[] = Array.from({ length: places }, () => null)
  #missed = 0

  /** Room for the run is reserved. */
  put(
    writer: ProtobufWriter,
    event: CommonFields,
    encode: (writer: ProtobufWriter, event: CommonFields) => void,
  ): void {
    const place = (event.groupId + event.accessKeyId * 7) & (places - 1)
    const run = this.#runs[place]!
    if (run !== null && areEqual(run.fields, event)) {
      writer.buffer.set(run.bytes, writer.length)
      writer.length += run.bytes.length
      return
    }
    const start = writer.length
    encode(writer, event)
    this.#missed += 1
    if (this.#missed % keepEvery === 0) this.#keep(place, event, writer.buffer.subarray(start, writer.length))
  }

  #keep(place: number, event: CommonFields, encoded: Uint8Array): void {
    if (encoded.length > maxRunBytes) return
    const start = place * maxRunBytes
    this.#memory.set(encoded, start)
    this.#runs[place] = {
      bytes: this.#memory.subarray(start, start + encoded.length),
      fields: copyOf(event),
    }
  }
}
