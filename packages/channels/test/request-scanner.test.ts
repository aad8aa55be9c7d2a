import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { RequestScanner } from '../src/request-scanner.ts'
import { decode, encode, everyCut, pushBorrowed, singleBytes } from './json-cuts.ts'
import { jsonObjectText, jsonText } from './json-arbitraries.ts'

function scan(pieces: readonly Uint8Array[], maxBytes = 1_000_000): RequestScanner {
  const scanner = new RequestScanner({ maxBytes })
  pushBorrowed(scanner, pieces)
  return scanner
}

function assertAgrees(scanner: RequestScanner, text: string): void {
  const value = JSON.parse(text) as { model?: unknown; stream?: unknown; previous_response_id?: unknown }
  const { model, stream, previous_response_id: previous } = value
  assert.equal(scanner.isObject, true)
  assert.equal(scanner.isDone, true)
  assert.equal(scanner.model, typeof model === 'string' ? model : '')
  assert.equal(scanner.stream, stream === true)
  assert.equal(scanner.referencedId, typeof previous === 'string' ? previous : '')
  const span = scanner.modelSpan
  if (span === null) assert.equal(Object.hasOwn(value, 'model'), false)
  else assert.deepEqual(JSON.parse(decode(encode(text).subarray(span.start, span.end))), model)
}

test('reads what JSON.parse reads, whatever the text and wherever it is cut', () => {
  fc.assert(
    fc.property(jsonObjectText, fc.array(fc.nat({ max: 400 }), { maxLength: 5 }), (text, cuts) => {
      const bytes = encode(text)
      const edges = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length]
      const pieces = edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge))
      assertAgrees(scan(pieces), text)
    }),
    { numRuns: 3_000 },
  )
})

const difficult =
  '\n{"messages":[{"role":"user","content":"say \\"model\\": {\\\\\\" ] }"}],"\\u006dodel" : "a","nested":{"model":"no","stream":true},' +
  '"model":"gpt-\\u0034\\n😀","stream":false,"stream":true,"n":1.50e+3,"previous_response_id":"resp_1","last":[[],{}]} '

test('agrees with JSON.parse when cut at every byte, and byte by byte', () => {
  const bytes = encode(difficult)
  for (const pieces of everyCut(bytes)) assertAgrees(scan(pieces), difficult)
  assertAgrees(scan(singleBytes(bytes)), difficult)
})

test('is an object only when the root is one, and says so at the first byte that decides', () => {
  fc.assert(
    fc.property(jsonText, (text) => {
      const scanner = scan([encode(text)])
      assert.equal(scanner.isObject, text.startsWith('{'))
      assert.equal(scanner.model === '' || scanner.isObject, true)
      return scanner.isDone
    }),
  )
  assert.equal(scan([encode('[')]).isDone, true)
  assert.equal(scan([encode('--boundary')]).isDone, true)
  assert.equal(scan([encode('{"model":"a"')]).isDone, false)
})

test('takes a byte order mark for a blank', () => {
  assert.equal(scan([encode('\uFEFF{"model":"a"}')]).model, 'a')
})

test('stops at its bound, keeps what it found and says that it was cut', () => {
  const body = encode(`{"model":"a","x":"${'y'.repeat(500)}","model":"b"}`)
  const scanner = scan(singleBytes(body), 100)
  assert.deepEqual([scanner.isCut, scanner.isDone, scanner.model], [true, true, 'a'])
  assert.equal(scan([body], body.length).isCut, false)
})

test('does not take an absurdly long model for a name, and does not hold it', () => {
  const scanner = scan([encode(`{"model":"${'m'.repeat(100_000)}"}`)])
  assert.equal(scanner.model, '')
  assert.equal(scanner.modelSpan?.end, 100_011)
})

test('remembers a model by bytes of its own: the next request is read into the same memory', () => {
  const memory = Buffer.alloc(64)
  for (const model of ['first', 'other', 'first']) {
    const length = memory.write(`{"model":"${model}"}`)
    const scanner = new RequestScanner({ maxBytes: 1_000 })
    scanner.push(memory.subarray(0, length))
    assert.equal(scanner.model, model)
  }
})

test('never throws on bytes that are no JSON', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (pieces) => {
      const scanner = scan(pieces)
      assert.equal(typeof scanner.model, 'string')
    }),
  )
  fc.assert(
    fc.property(fc.stringMatching(/^[{}[\]",:\\a-f0-9 ]{0,60}$/), (text) => {
      const scanner = scan(singleBytes(encode(text)))
      assert.equal(typeof scanner.stream, 'boolean')
    }),
  )
})

test('ignores what follows the object', () => {
  assert.equal(scan([encode('{"model":"a"}'), encode('{"model":"b"}')]).model, 'a')
  assert.equal(scan([encode('{"model":"a"}{"model":"b"}')]).model, 'a')
})

test('names what an earlier call has made, whichever member of the body says it', () => {
  for (const name of [
    'previous_response_id',
    'conversation',
    'input_file_id',
    'training_file',
    'file_id',
    'assistant_id',
  ])
    assert.equal(referenced({ model: 'm', [name]: 'id-1' }), 'id-1', name)
  assert.equal(referenced({ cachedContent: 'cachedContents/c-1' }), 'cachedContents/c-1')
  assert.equal(referenced({ conversation: { id: 'conv_1' } }), '')
  assert.equal(referenced({ nested: { file_id: 'id-1' } }), '')
})

function referenced(body: object): string {
  const scanner = new RequestScanner({ maxBytes: 4_096 })
  scanner.push(Buffer.from(JSON.stringify(body)))
  return scanner.referencedId
}

test('names the session, and where the prompt begins', () => {
  const scan = (text: string) => {
    const scanner = new RequestScanner({ maxBytes: 4_096 })
    for (const byte of Buffer.from(text)) scanner.push(Uint8Array.of(byte))
    return [scanner.sessionId, scanner.promptStart === -1 ? '' : text.slice(scanner.promptStart)]
  }
  assert.deepEqual(scan('{"model":"m","metadata":{"user_id":"u-1"},"system":"s","messages":[]}'), [
    'u-1',
    '"s","messages":[]}',
  ])
  assert.deepEqual(scan('{"prompt_cache_key":"k","input":"hi"}'), ['k', '"hi"}'])
  assert.deepEqual(scan('{"contents": [{"a":1}]}'), ['', '[{"a":1}]}'])
  assert.deepEqual(scan('{"metadata":"no object","n":{"messages":[]}}'), ['', ''])
})
