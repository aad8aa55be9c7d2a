import { LlhttpOracle } from '../test/llhttp-oracle.ts'
import { RequestHeadParser } from '../src/request-head-parser.ts'
import { responseBytes, requestBytes } from '../src/head-writer.ts'
import { ResponseHeadParser } from '../src/response-head-parser.ts'

/**
 * ns per head: a POST as OpenAI's SDK sends it (12 fields) and a usual answer, ours beside llhttp (undici's wasm build, in the
 * same use: bytes in, method, target and pairs of text out). `node bench/parse-head.ts [rounds]`
 */
const request = Buffer.from(
  [
    'POST /v1/chat/completions HTTP/1.1',
    'Host: gateway.example.com',
    'Accept: application/json',
    'Content-Type: application/json',
    'User-Agent: OpenAI/JS 7.57.0',
    'X-Stainless-Lang: js',
    'X-Stainless-Package-Version: 7.57.0',
    'X-Stainless-OS: Linux',
    'X-Stainless-Arch: x64',
    'X-Stainless-Runtime: node',
    'X-Stainless-Runtime-Version: v26.10.0',
    `Authorization: Bearer sk-${'a1B2'.repeat(12)}`,
    'Content-Length: 300',
    '\r\n',
  ].join('\r\n') + 'x'.repeat(300),
)
const answer = Buffer.from(
  [
    'HTTP/1.1 200 OK',
    'Date: Wed, 25 Nov 2026 10:00:00 GMT',
    'Content-Type: application/json',
    'Content-Length: 500',
    'Connection: keep-alive',
    'access-control-expose-headers: X-Request-ID',
    'openai-organization: user-abc',
    'openai-processing-ms: 312',
    'openai-version: 2020-10-01',
    'x-ratelimit-limit-requests: 10000',
    'x-ratelimit-remaining-requests: 9999',
    'x-request-id: req_0123456789abcdef0123456789abcdef',
    '\r\n',
  ].join('\r\n') + 'x'.repeat(500),
)
const heads = 200_000
const rounds = Number(process.argv[2] ?? 3)

function time(name: string, step: () => void): number {
  for (let index = 0; index < 20_000; index += 1) step()
  const runs: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const startMs = performance.now()
    for (let index = 0; index < heads; index += 1) step()
    runs.push(((performance.now() - startMs) * 1e6) / heads)
  }
  const median = runs.sort((a, b) => a - b)[Math.floor(rounds / 2)]!
  console.log(`${name.padEnd(28)} ${median.toFixed(0).padStart(6)} ns`)
  return median
}

const requests = new RequestHeadParser()
const responses = new ResponseHeadParser()
const requestOracle = new LlhttpOracle('REQUEST')
const responseOracle = new LlhttpOracle('RESPONSE')
const body = Buffer.alloc(300, 120)
requests.parse(request, 0)
responses.parse(answer, 0)
const { rawHeaders } = requests
const answerHeaders = responses.rawHeaders

/** In turns: of a head that is like the last one only its length is read. */
const others = [request, Buffer.from(request.toString('latin1').replace('Linux', 'MacOS'), 'latin1')] as const
const longer = [request, Buffer.from(request.toString('latin1').replace('th: 300', 'th: 4096'), 'latin1')] as const
let turn = 0
const ours = time('request, ours', () => requests.parse(others[(turn += 1) & 1]!, 0))
time('request, another length', () => requests.parse(longer[(turn += 1) & 1]!, 0))
time('request, the same', () => requests.parse(request, 0))
const llhttp = time('request, llhttp', () => requestOracle.read(request))
const oursAnswer = time('answer, ours', () => responses.parse(answer, 0))
const llhttpAnswer = time('answer, llhttp', () => responseOracle.read(answer))
time('write request + 300 B', () => requestBytes('POST', '/v1/chat/completions', rawHeaders, 300, body))
time('write answer + 300 B', () => responseBytes(200, 'OK', answerHeaders, false, '', '', body))
console.log(`request: llhttp / ours = ${(llhttp / ours).toFixed(1)}`)
console.log(`answer:  llhttp / ours = ${(llhttpAnswer / oursAnswer).toFixed(1)}`)
