// The thread behind counting-upstream.ts: tells its port, then its total as often as it is asked.

import { createServer, type AddressInfo, type Socket } from 'node:net'
import { parentPort } from 'node:worker_threads'
import type { CountingTotal } from './counting-upstream.ts'
import { messageLength } from './http-framing.ts'

const total: CountingTotal = { answered: 0, promptTokens: 0, completionTokens: 0 }

/** Usages that add up to something else whenever one of them is lost or comes twice. */
const answers = Array.from({ length: 61 }, (_, index) => {
  const usage = { promptTokens: 10 + ((index * 37) % 89), completionTokens: 1 + ((index * 17) % 53) }
  const body = JSON.stringify({
    id: 'chatcmpl-counted',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: 'gpt-4.1-nano',
    choices: [{ index: 0, message: { role: 'assistant', content: 'hello' }, finish_reason: 'stop' }],
    usage: {
      prompt_tokens: usage.promptTokens,
      completion_tokens: usage.completionTokens,
      total_tokens: usage.promptTokens + usage.completionTokens,
    },
  })
  const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
  return { ...usage, bytes: Buffer.from(head + body) }
})

function serve(socket: Socket): void {
  let received: Buffer = Buffer.alloc(0)
  socket.on('data', (bytes: Buffer) => {
    received = received.length === 0 ? bytes : Buffer.concat([received, bytes])
    for (let length = messageLength(received, 'request'); length !== undefined && received.length > 0;) {
      received = received.subarray(length)
      answer(socket)
      length = messageLength(received, 'request')
    }
  })
  socket.on('error', () => socket.destroy())
}

function answer(socket: Socket): void {
  const { bytes, promptTokens, completionTokens } = answers[total.answered % answers.length]!
  socket.write(bytes)
  total.answered += 1
  total.promptTokens += promptTokens
  total.completionTokens += completionTokens
}

const server = createServer({ noDelay: true }, serve)
server.listen({ port: 0, host: '127.0.0.1', backlog: 1_024 }, () =>
  parentPort?.postMessage((server.address() as AddressInfo).port),
)
parentPort?.on('message', () => parentPort?.postMessage(total))
