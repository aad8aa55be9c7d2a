import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { crc32, gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { channelTypes } from '@gpt-load/contracts/channel-types'
import { errorClasses } from '@gpt-load/contracts/error-class'
import { endReasons } from '@gpt-load/contracts/log-event'
import type { LogAttempt, LogBatchIdentity, LogEvent } from '@gpt-load/contracts/log-event'
import { decodeLogEvent } from '../src/log-batch/decode-log-event.ts'
import { createLogEventWriter, encodeLogEvent, payloadOf, resetWriter } from '../src/log-batch/encode-log-event.ts'
import { maxEncodedAttempts, wireStringBounds as bounds } from '../src/log-batch/log-event-fields.ts'
import { openLogBatch, sealLogBatch } from '../src/log-batch/log-batch.ts'
import { logBatchCodecs, maxPlainBatchBytes } from '../src/log-batch/sealed-batch.ts'

const uint = fc.oneof(fc.nat(), fc.maxSafeNat())
const optionalUint = fc.oneof(fc.constant(-1), uint)
/** Every kind of character, lone surrogates, and lengths around every bound. */
const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(fc.nat(0xffff), { maxLength: 30 }).map((units) => String.fromCharCode(...units)),
  fc.tuple(fc.constantFrom('a', 'é', '€', '😀', '\ud800'), fc.nat(2_200)).map(([unit, count]) => unit.repeat(count)),
)

const attempt: fc.Arbitrary<LogAttempt> = fc.record({
  number: uint,
  groupId: uint,
  keyId: uint,
  keyHint: text,
  upstream: text,
  startedAtMs: uint,
  connectMs: optionalUint,
  headMs: optionalUint,
  endMs: optionalUint,
  status: uint,
  errorClass: fc.constantFrom('', ...errorClasses),
  errorCode: text,
  errorMessage: text,
})

const event: fc.Arbitrary<LogEvent> = fc.record({
  sequence: uint,
  requestId: text,
  receivedAtMs: uint,
  groupId: uint,
  groupName: text,
  memberGroupId: uint,
  memberGroupName: text,
  channel: fc.constantFrom('', ...channelTypes),
  method: text,
  requestPath: text,
  modelRequested: text,
  modelSent: text,
  isStream: fc.boolean(),
  accessKeyId: uint,
  clientAddress: text,
  userAgent: text,
  status: uint,
  errorClass: fc.constantFrom('', ...errorClasses),
  errorCode: text,
  errorMessage: text,
  endReason: fc.constantFrom(...endReasons),
  firstByteMs: optionalUint,
  firstTokenMs: optionalUint,
  durationMs: optionalUint,
  bytesIn: uint,
  bytesOut: uint,
  tokens: fc.record({
    input: optionalUint,
    output: optionalUint,
    cached: optionalUint,
    reasoning: optionalUint,
  }),
  attempts: fc.array(attempt, { maxLength: 4 }),
  isSampledOut: fc.boolean(),
})

/** What the wire promises of a string: well formed, and the longest prefix of whole characters within the bound. */
function cut(value: string, maxBytes: number): string {
  let kept = ''
  let bytes = 0
  for (const character of value.toWellFormed()) {
    bytes += Buffer.byteLength(character)
    if (bytes > maxBytes) break
    kept += character
  }
  return kept
}

function expectedAttempt(one: LogAttempt): LogAttempt {
  return {
    ...one,
    keyHint: cut(one.keyHint, bounds.key_hint),
    upstream: cut(one.upstream, bounds.upstream),
    errorCode: cut(one.errorCode, bounds.error_code),
    errorMessage: cut(one.errorMessage, bounds.error_message),
  }
}

function expectedEvent(one: LogEvent): LogEvent {
  return {
    ...one,
    tokens: { ...one.tokens },
    requestId: cut(one.requestId, bounds.request_id),
    groupName: cut(one.groupName, bounds.group_name),
    memberGroupName: cut(one.memberGroupName, bounds.group_name),
    method: cut(one.method, bounds.method),
    requestPath: cut(one.requestPath, bounds.request_path),
    modelRequested: cut(one.modelRequested, bounds.model),
    modelSent: cut(one.modelSent, bounds.model),
    clientAddress: cut(one.clientAddress, bounds.client_address),
    userAgent: cut(one.userAgent, bounds.user_agent),
    errorCode: cut(one.errorCode, bounds.error_code),
    errorMessage: cut(one.errorMessage, bounds.error_message),
    attempts: one.attempts.map(expectedAttempt),
  }
}

const plainEvent: LogEvent = {
  sequence: 7,
  requestId: 'r-1',
  receivedAtMs: 1_700_000_000_123,
  groupId: 3,
  groupName: 'openai-main',
  memberGroupId: 4,
  memberGroupName: 'eu',
  channel: 'openai',
  method: 'POST',
  requestPath: '/v1/chat/completions',
  modelRequested: 'gpt-4.1',
  modelSent: 'gpt-4.1-mini',
  isStream: true,
  accessKeyId: 9,
  clientAddress: '::1',
  userAgent: 'sdk/1',
  status: 200,
  errorClass: '',
  errorCode: '',
  errorMessage: '',
  endReason: 'complete',
  firstByteMs: 0,
  firstTokenMs: 12,
  durationMs: 340,
  bytesIn: 512,
  bytesOut: 7e4,
  tokens: {
    input: 10,
    output: 0,
    cached: -1,
    reasoning: -1,
  },
  attempts: [
    {
      number: 1,
      groupId: 4,
      keyId: 11,
      keyHint: 'sk-a…Zx9',
      upstream: 'https://api.openai.com',
      startedAtMs: 1_700_000_000_124,
      connectMs: -1,
      headMs: 5,
      endMs: 300,
      status: 200,
      errorClass: '',
      errorCode: '',
      errorMessage: '',
    },
  ],
  isSampledOut: false,
}

const numbers = [0, 1, 127, 128, 2 ** 21 - 1, 2 ** 21, 2 ** 28 - 1, 2 ** 28, 2 ** 31, 2 ** 42 - 1, 2 ** 42, 2 ** 53 - 1]
const optionalNumbers = [-1, ...numbers]
const texts = [
  '',
  'x',
  'sk-b…Yw8',
  'sk-a…Zx',
  'sk-a€…x9',
  '😀…😀',
  '\ud800-a…Zx9',
  'r-2',
  '192.0.2.1',
  'long '.repeat(100),
]

/** One field of an event like `plainEvent` has another value. */
const likePlain: ((one: LogEvent) => LogEvent)[] = [
  ...changes<LogEvent>(
    ['sequence', 'receivedAtMs', 'groupId', 'memberGroupId', 'accessKeyId', 'status', 'bytesIn', 'bytesOut'],
    numbers,
  ),
  ...changes<LogEvent>(['firstByteMs', 'firstTokenMs', 'durationMs'], optionalNumbers),
  ...changes<LogEvent>(['requestId', 'groupName', 'memberGroupName', 'method', 'requestPath'], texts),
  ...changes<LogEvent>(['modelRequested', 'modelSent', 'clientAddress', 'userAgent'], texts),
  ...changes<LogEvent>(['errorCode', 'errorMessage'], texts),
  ...changes<LogEvent>(['channel'], channelTypes),
  ...changes<LogEvent>(['errorClass'], errorClasses),
  ...changes<LogEvent>(['endReason'], endReasons),
  ...changes<LogEvent>(['isStream', 'isSampledOut'], [true, false]),
  ...changes<LogEvent['tokens']>(['input', 'output', 'cached', 'reasoning'], optionalNumbers).map(
    (change) => (one: LogEvent) => ({ ...one, tokens: change(one.tokens) }),
  ),
  ...[
    ...changes<LogAttempt>(['number', 'groupId', 'keyId', 'startedAtMs', 'status'], numbers),
    ...changes<LogAttempt>(['connectMs', 'headMs', 'endMs'], optionalNumbers),
    ...changes<LogAttempt>(['keyHint', 'upstream', 'errorCode', 'errorMessage'], texts),
    ...changes<LogAttempt>(['errorClass'], errorClasses),
  ].map((change) => (one: LogEvent) => ({ ...one, attempts: one.attempts.map(change) })),
  (one) => ({ ...one, attempts: [] }),
  (one) => ({ ...one, attempts: [...one.attempts, ...one.attempts] }),
]

function changes<T>(names: (keyof T)[], values: readonly unknown[]): ((one: T) => T)[] {
  return names.flatMap((name) => values.map((value) => (one: T) => ({ ...one, [name]: value })))
}

function encode(...events: LogEvent[]): Uint8Array {
  const writer = createLogEventWriter()
  for (const one of events) encodeLogEvent(writer, one)
  return new Uint8Array(payloadOf(writer))
}

function identityOf(count: number): LogBatchIdentity {
  return { source: 'edge-1.0', edge: 'edge-1', firstSequence: 7, count }
}

function sealed(payload: Uint8Array, count: number): Uint8Array {
  return sealLogBatch({ identity: identityOf(count), events: payload, codec: 'none' })
}

function opened(bytes: Uint8Array) {
  const batch = openLogBatch(bytes)
  assert.ok('events' in batch, 'poison' in batch ? batch.poison : '')
  return batch
}

/** Message of one event without the tag and the three-byte length in front. */
function messageOf(one: LogEvent): Buffer {
  return Buffer.from(encode(one)).subarray(4)
}

function framed(message: Uint8Array): Buffer {
  assert.ok(message.length < 16_384)
  return Buffer.concat([Uint8Array.of(0x0a, (message.length & 127) | 128, message.length >> 7), message])
}

describe('log batch', () => {
  test('gives back every event as it was, strings cut at whole characters and made well formed', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 5 }), fc.constantFrom(...logBatchCodecs), (events, codec) => {
        const identity = identityOf(events.length)
        const batch = opened(sealLogBatch({ identity, events: encode(...events), codec }))
        assert.deepEqual(batch.identity, identity)
        assert.deepEqual(
          batch.events.map((one) => one.ok && one.event),
          events.map(expectedEvent),
        )
      }),
      { numRuns: 300 },
    )
  })

  test('gives back each event as it was, however like its neighbours it is', () => {
    // Often enough alike for what they share to be remembered, and each field differs from it now and then.
    const choice = fc.infiniteStream(fc.tuple(fc.nat(2), fc.constantFrom(...likePlain), fc.constantFrom(...likePlain)))
    fc.assert(
      fc.property(choice, (choices) => {
        const events = [...choices.take(400)].map(([howMany, first, second]) =>
          [first, second].slice(0, howMany).reduce((one, change) => change(one), plainEvent),
        )
        const batch = opened(sealed(encode(...events), events.length))
        for (const [n, one] of batch.events.entries())
          assert.deepEqual(one.ok && one.event, expectedEvent(events[n]!), `event ${n}`)
        assert.equal(batch.events.length, events.length)
      }),
      { numRuns: 50 },
    )
  })

  test('is tried with another value of every field that an event has', () => {
    const changed = likePlain.map((change) => change(plainEvent))
    const first = plainEvent.attempts[0]!
    const isChanged = <T extends object>(of: T, variants: readonly (T | undefined)[]) =>
      Object.keys(of).filter((name) => variants.some((one) => one && one[name as keyof T] !== of[name as keyof T]))
    assert.deepEqual(isChanged(plainEvent, changed), Object.keys(plainEvent))
    const { tokens } = plainEvent
    assert.deepEqual(
      isChanged(
        tokens,
        changed.map((one) => one.tokens),
      ),
      Object.keys(tokens),
    )
    assert.deepEqual(
      isChanged(
        first,
        changed.map((one) => one.attempts[0]),
      ),
      Object.keys(first),
    )
  })

  test('rounds fractions and leaves out what is no number in an event like its neighbours too', () => {
    const { receivedAtMs } = plainEvent
    const odd = [{ bytesIn: 1.6 }, { durationMs: Number.NaN }, { receivedAtMs: receivedAtMs + 0.6 }]
    const even = [{ bytesIn: 2 }, { durationMs: -1 }, { receivedAtMs: receivedAtMs + 1 }]
    const likes = Array.from({ length: 40 }, () => plainEvent)
    const events = [...likes, ...odd.map((fields) => ({ ...plainEvent, ...fields }))]
    const read = opened(sealed(encode(...events), events.length)).events.map((one) => one.ok && one.event)
    assert.deepEqual(
      read.slice(likes.length),
      even.map((fields) => ({ ...plainEvent, ...fields })),
    )
  })

  test('is byte-identical when it is sealed again, and owns its memory so that it can be transferred', () => {
    const batch = { identity: identityOf(1), events: encode(plainEvent), codec: 'zstd' } as const
    const bytes = sealLogBatch(batch)
    assert.deepEqual(sealLogBatch(batch), bytes)
    assert.equal(bytes.buffer.byteLength, bytes.byteLength)
    structuredClone(bytes, { transfer: [bytes.buffer] })
    assert.equal(bytes.byteLength, 0)
  })

  test('reuses its buffer from batch to batch without traces of the one before', () => {
    const writer = createLogEventWriter()
    encodeLogEvent(writer, { ...plainEvent, userAgent: 'x'.repeat(500) })
    resetWriter(writer)
    encodeLogEvent(writer, plainEvent)
    assert.deepEqual(new Uint8Array(payloadOf(writer)), encode(plainEvent))
    assert.equal(writer.count, 1)
  })

  test('cuts a user agent of 4 MB and keeps the batch small', () => {
    const payload = encode({ ...plainEvent, userAgent: '€'.repeat(1_400_000) })
    assert.ok(payload.length < 2_000)
    const [first] = opened(sealed(payload, 1)).events
    assert.equal(first?.ok && first.event.userAgent, '€'.repeat(170))
  })

  test('writes what is no number as absent and rounds fractions', () => {
    const odd = { ...plainEvent, status: Number.NaN, bytesIn: -5, bytesOut: Number.POSITIVE_INFINITY, durationMs: 1.6 }
    const decoded = decodeLogEvent(messageOf({ ...odd, firstByteMs: Number.NaN }))
    assert.deepEqual(
      [decoded.status, decoded.bytesIn, decoded.bytesOut, decoded.durationMs, decoded.firstByteMs],
      [0, 0, Number.MAX_SAFE_INTEGER, 2, -1],
    )
  })

  test('keeps the first 63 attempts and the last of a request with more', () => {
    const [template] = plainEvent.attempts
    assert.ok(template)
    const attempts = Array.from({ length: 100 }, (_, i) => ({ ...template, number: i + 1 }))
    const numbers = decodeLogEvent(messageOf({ ...plainEvent, attempts })).attempts.map((one) => one.number)
    assert.equal(numbers.length, maxEncodedAttempts)
    assert.deepEqual([numbers[0], numbers[62], numbers[63]], [1, 63, 100])
  })
})

describe('log batch from another version', () => {
  const unknownFields = Buffer.concat([
    Uint8Array.of(0x98, 0x06, 0x96, 0x01), // field 99, varint 150
    Uint8Array.of(0xa2, 0x06, 0x03, 0x61, 0x62, 0x63), // field 100, "abc"
    Uint8Array.of(0xa9, 0x06, 1, 2, 3, 4, 5, 6, 7, 8), // field 101, fixed64
    Uint8Array.of(0xb5, 0x06, 1, 2, 3, 4), // field 102, fixed32
  ])

  test('is read past every field that this version does not know', () => {
    const newer = Buffer.concat([unknownFields, messageOf(plainEvent), unknownFields])
    const payload = Buffer.concat([framed(newer), unknownFields])
    const [read] = opened(sealed(payload, 1)).events
    assert.ok(read?.ok)
    assert.deepEqual(read.event, plainEvent)
    assert.deepEqual(Buffer.from(read.bytes), newer)
  })

  test('of the first version reads as it did, and a plain one is written as it was: old and new edges and ingests mix', () => {
    const first = readFileSync(new URL('./fixtures/log-batch-version-1.hex', import.meta.url), 'utf8').trim()
    const { identity, events } = opened(Buffer.from(first, 'hex'))
    assert.deepEqual(identity, { source: 'edge-1.0', edge: 'edge-1', firstSequence: 7, count: 2 })
    const second = { ...plainEvent, sequence: 8, requestId: 'r-8', status: 502, errorClass: 'upstream' } as const
    assert.deepEqual(
      events.map((one) => one.ok && one.event),
      [plainEvent, second],
    )
    // What this version writes for them is what the first one reads: whatever came later is left out where it is unused.
    assert.equal(Buffer.from(sealed(encode(plainEvent, second), 2)).toString('hex'), first)
  })

  test('gets the defaults for every field that an older version did not write', () => {
    const older = decodeLogEvent(Buffer.from([0x08, 0x05])) // sequence 5 and nothing else
    assert.equal(older.sequence, 5)
    assert.deepEqual(older.tokens, { input: -1, output: -1, cached: -1, reasoning: -1 })
    assert.deepEqual([older.firstByteMs, older.durationMs, older.endReason], [-1, -1, 'complete'])
    assert.deepEqual([older.requestId, older.channel, older.attempts], ['', '', []])
  })

  test('reads enum numbers that it does not know as unknown, never as another value', () => {
    const message = Buffer.from([0x40, 0x63, 0x90, 0x01, 0x63, 0xa8, 0x01, 0x63]) // channel, error class, end reason 99
    const decoded = decodeLogEvent(message)
    assert.deepEqual([decoded.channel, decoded.errorClass, decoded.endReason], ['', '', 'proxy_error'])
  })
})

describe('damaged log batch', () => {
  const payload = encode(plainEvent, { ...plainEvent, sequence: 8 })

  test('reports one bad event alone and keeps its neighbours', () => {
    const good = messageOf(plainEvent)
    const bad = Buffer.from([0x0a, 0x01, 0x61]) // sequence as a string
    const { events } = opened(sealed(Buffer.concat([framed(good), framed(bad), framed(good)]), 3))
    assert.deepEqual(
      events.map((one) => one.ok),
      [true, false, true],
    )
    assert.deepEqual(events[1], { ok: false, reason: 'field 1 has wire type 2', bytes: bad })
  })

  test('is poison as a whole when any single byte of it changed', () => {
    const bytes = sealed(payload, 2)
    for (let i = 0; i < bytes.length; i++) {
      const damaged = Uint8Array.from(bytes)
      damaged[i] = (damaged[i] ?? 0) ^ 0x55
      assert.ok('poison' in openLogBatch(damaged), `byte ${i}`)
    }
  })

  test('is poison as a whole when it is cut anywhere', () => {
    const bytes = sealLogBatch({ identity: identityOf(2), events: payload, codec: 'zstd' })
    for (let length = 0; length < bytes.length; length++) assert.ok('poison' in openLogBatch(bytes.subarray(0, length)))
  })

  test('is poison when it holds another number of events than its identity says', () => {
    assert.ok('poison' in openLogBatch(sealed(payload, 1)))
    assert.ok('poison' in openLogBatch(sealed(payload, 3)))
  })

  test('never inflates past its bound', () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1_048_576))
    const bytes = Buffer.from(sealLogBatch({ identity: identityOf(1), events: encode(plainEvent), codec: 'gzip' }))
    const head = bytes.subarray(0, 16 + bytes.readUInt16BE(6))
    const forged = Buffer.concat([head, bomb])
    forged.writeUInt32BE(crc32(forged.subarray(12), crc32(forged.subarray(0, 8))), 8)
    const before = process.memoryUsage().arrayBuffers
    assert.ok('poison' in openLogBatch(forged))
    assert.ok(process.memoryUsage().arrayBuffers - before < 2 * maxPlainBatchBytes)
  })

  test('never decodes more events than a batch can have', () => {
    const empty = Buffer.alloc(100_000, Uint8Array.of(0x0a, 0x00))
    assert.deepEqual(openLogBatch(sealed(empty, 50_000)), { poison: 'a batch cannot hold 50000 events' })
    assert.deepEqual(openLogBatch(sealed(empty, 3)), { poison: 'the batch holds more events than the 3 it says' })
  })

  test('never throws, whatever the payload is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(3), (bytes, count) => {
        openLogBatch(bytes)
        openLogBatch(sealed(bytes, count))
        openLogBatch(sealed(framed(bytes), 1))
      }),
      { numRuns: 2_000 },
    )
  })

  test('never throws when bytes of a real batch were exchanged under a right checksum', () => {
    const spot = fc.tuple(fc.nat(payload.length - 1), fc.nat(255))
    fc.assert(
      fc.property(fc.array(spot, { minLength: 1, maxLength: 8 }), (spots) => {
        const damaged = Uint8Array.from(payload)
        for (const [at, byte] of spots) damaged[at] = byte
        openLogBatch(sealed(damaged, 2))
      }),
      { numRuns: 2_000 },
    )
  })
})
