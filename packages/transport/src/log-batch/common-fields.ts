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

class Run implements CommonFields {
  bytes: Uint8Array
  groupId = -1
  groupName = ''
  memberGroupId = 0
  memberGroupName = ''
  channel: LogEvent['channel'] = ''
  method = ''
  requestPath = ''
  modelRequested = ''
  modelSent = ''
  isStream = false
  accessKeyId = 0
  clientAddress = ''
  userAgent = ''

  constructor(memory: Buffer) {
    this.bytes = memory
  }

  /** What differs most often first. */
  isOf(event: CommonFields): boolean {
    return (
      this.groupId === event.groupId &&
      this.accessKeyId === event.accessKeyId &&
      this.memberGroupId === event.memberGroupId &&
      this.isStream === event.isStream &&
      this.clientAddress === event.clientAddress &&
      this.modelSent === event.modelSent &&
      this.userAgent === event.userAgent &&
      this.requestPath === event.requestPath &&
      this.modelRequested === event.modelRequested &&
      this.groupName === event.groupName &&
      this.memberGroupName === event.memberGroupName &&
      this.channel === event.channel &&
      this.method === event.method
    )
  }

  keep(event: CommonFields, bytes: Uint8Array): void {
    this.bytes = bytes
    this.groupId = event.groupId
    this.groupName = event.groupName
    this.memberGroupId = event.memberGroupId
    this.memberGroupName = event.memberGroupName
    this.channel = event.channel
    this.method = event.method
    this.requestPath = event.requestPath
    this.modelRequested = event.modelRequested
    this.modelSent = event.modelSent
    this.isStream = event.isStream
    this.accessKeyId = event.accessKeyId
    this.clientAddress = event.clientAddress
    this.userAgent = event.userAgent
  }
}

export class RecentRuns {
  readonly #memory = Buffer.allocUnsafeSlow(places * maxRunBytes)
  readonly #runs = Array.from({ length: places }, () => new Run(this.#memory))
  #missed = 0

  /** Room for the run is reserved. */
  put(
    writer: ProtobufWriter,
    event: CommonFields,
    encode: (writer: ProtobufWriter, event: CommonFields) => void,
  ): void {
    const place = (event.groupId + event.accessKeyId * 7) & (places - 1)
    const run = this.#runs[place]!
    if (run.isOf(event)) {
      writer.buffer.set(run.bytes, writer.length)
      writer.length += run.bytes.length
      return
    }
    const start = writer.length
    encode(writer, event)
    this.#missed += 1
    if (this.#missed % keepEvery === 0) this.#keep(run, place, event, writer.buffer.subarray(start, writer.length))
  }

  #keep(run: Run, place: number, event: CommonFields, encoded: Uint8Array): void {
    if (encoded.length > maxRunBytes) return
    const start = place * maxRunBytes
    this.#memory.set(encoded, start)
    run.keep(event, this.#memory.subarray(start, start + encoded.length))
  }
}
