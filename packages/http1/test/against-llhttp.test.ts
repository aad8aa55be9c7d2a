import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { badChunks, badRequests, badResponses, goodRequests, goodResponses } from './corpus.ts'
import { LlhttpOracle, type Message } from './llhttp-oracle.ts'
import { Mutator } from './mutator.ts'
import { readRequest, readResponse, type ReadMessage } from './read-message.ts'

/**
 * What we accept llhttp accepts in strict mode, and reads the same in it (WIRE.md 2). Mutations of the corpus, by seed; a run
 * takes a second and a half per direction, two minutes with GPTLOAD_TEST_LONG=1, and GPTLOAD_FUZZ_SECONDS in `npm run fuzz`.
 * GPTLOAD_FUZZ_SEED repeats one.
 */
const ordinaryMs = process.env.GPTLOAD_TEST_LONG === '1' ? 120_000 : 1_200
const { GPTLOAD_FUZZ_SECONDS: fuzzSeconds } = process.env
const budgetMs = fuzzSeconds === undefined ? ordinaryMs : Number(fuzzSeconds) * 1_000
const seed = Number(process.env.GPTLOAD_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))

const texts = (bad: Record<string, [string, string]>) => Object.values(bad).map(([, text]) => text)
const chunkedHead = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
const chunkedAnswer = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
const requests = [
  ...Object.values(goodRequests),
  ...texts(badRequests),
  ...texts(badChunks).map((text) => chunkedHead + text),
]
const responses = [
  ...Object.values(goodResponses),
  ...texts(badResponses),
  ...texts(badChunks).map((text) => chunkedAnswer + text),
]

suite('against llhttp in strict mode', () => {
  test('every good request of the corpus is read, and read the same', () => {
    const oracle = new LlhttpOracle('REQUEST')
    for (const [name, text] of Object.entries(goodRequests)) {
      const ours = readRequest(Buffer.from(text, 'latin1'))
      assert.equal(ours.outcome, 'complete', name)
      compareRequest(oracle, Buffer.from(text, 'latin1'), name)
    }
  })

  test('every good answer of the corpus is read, and read the same', () => {
    const oracle = new LlhttpOracle('RESPONSE')
    for (const [name, text] of Object.entries(goodResponses)) {
      assert.equal(readResponse(Buffer.from(text, 'latin1')).outcome, 'complete', name)
      compareResponse(oracle, Buffer.from(text, 'latin1'), name)
    }
  })

  test(`mutated requests that we accept are accepted and read the same (seed ${seed})`, (context) => {
    const oracle = new LlhttpOracle('REQUEST')
    fuzz(context, requests, (bytes, name) => compareRequest(oracle, bytes, name))
  })

  test(`mutated answers that we accept are accepted and read the same (seed ${seed})`, (context) => {
    const oracle = new LlhttpOracle('RESPONSE')
    fuzz(context, responses, (bytes, name) => compareResponse(oracle, bytes, name))
  })
})

type Compare = (bytes: Buffer, name: string) => boolean

function fuzz(context: { diagnostic(message: string): void }, corpus: readonly string[], compare: Compare): void {
  const mutator = new Mutator(corpus, seed)
  const endMs = performance.now() + budgetMs
  let cases = 0
  let accepted = 0
  while (performance.now() < endMs)
    for (let index = 0; index < 256; index += 1) {
      if (compare(mutator.next(), `case ${cases} of seed ${seed}`)) accepted += 1
      cases += 1
    }
  context.diagnostic(`${cases} cases, ${accepted} accepted`)
  assert.ok(accepted > cases / 50, `only ${accepted} of ${cases} were accepted: the mutations prove nothing`)
}

/** llhttp reads a body behind them where the head names one; we end there (RFC 9112 6.3) and give the connection up. */
const mayNameAnotherBody = [204, 304]

/** True when we accept the request. */
function compareRequest(oracle: LlhttpOracle, bytes: Buffer, name: string): boolean {
  const ours = readRequest(bytes)
  if (ours.outcome !== 'complete') return false
  const theirs = oracle.read(bytes)
  const text = `${name}: ${JSON.stringify(bytes.toString('latin1'))}`
  compareMessage(ours, theirs, text)
  assert.deepEqual([ours.method, ours.target, ours.version], [theirs.method, theirs.target, theirs.version], text)
  return true
}

function compareResponse(oracle: LlhttpOracle, bytes: Buffer, name: string): boolean {
  const ours = readResponse(bytes)
  assert.deepEqual(readResponse(bytes, [], false, true), ours, name)
  if (ours.outcome !== 'complete') return false
  const text = `${name}: ${JSON.stringify(bytes.toString('latin1'))}`
  const hasNoBody = mayNameAnotherBody.includes(ours.status) && !ours.isKeepAlive
  const theirs = oracle.read(bytes, hasNoBody)
  assert.equal(ours.status, theirs.status, text)
  if (ours.framing === 'close') {
    theirs.isComplete = true
    theirs.consumed = ours.consumed
  }
  compareMessage(ours, theirs, text)
  return true
}

function compareMessage(ours: ReadMessage, theirs: Message, text: string): void {
  assert.deepEqual([theirs.isAccepted, theirs.isComplete, theirs.error], [true, true, theirs.error], text)
  assert.equal(ours.consumed, theirs.consumed, text)
  assert.equal(ours.body, theirs.body, text)
  assert.deepEqual([...ours.rawHeaders, ...ours.rawTrailers], theirs.fields.map(trimEnd), text)
  assert.equal(ours.rawHeaders.length / 2, theirs.headerCount, text)
  // Tabs around an option of Connection are blanks (RFC 9110 5.6.1), but not to llhttp.
  assert.ok(!ours.isKeepAlive || theirs.isKeepAlive || text.includes(String.raw`\t`), text)
}

/** llhttp leaves the blanks behind a value to its caller. */
function trimEnd(part: string): string {
  return part.replace(/[ \t]+$/, '')
}
