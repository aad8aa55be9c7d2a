import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** A provider that answers what it is told and keeps what it received. */
export type ProviderReply = { status: number; headers?: Record<string, string>; body?: unknown }
export type ReceivedRequest = { method: string; url: string; headers: IncomingHttpHeaders; body: string }

export async function startRecordingProvider({ delayMs = 0 }: { delayMs?: number } = {}) {
  const received: ReceivedRequest[] = []
  const receivedAtMs: number[] = []
  let inFlight = 0
  let maxInFlight = 0
  let reply: ProviderReply = { status: 200, body: {} }
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const { method = '', url = '', headers } = request
    received.push({ method, url, headers, body: Buffer.concat(chunks).toString() })
    receivedAtMs.push(performance.now())
    inFlight += 1
    maxInFlight = Math.max(maxInFlight, inFlight)
    response.once('close', () => (inFlight -= 1))
    if (delayMs > 0) await delay(delayMs, undefined, { ref: false })
    response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers })
    response.end(JSON.stringify(reply.body ?? {}))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    receivedAtMs,
    get maxInFlight() {
      return maxInFlight
    },
    answerWith: (next: ProviderReply) => void (reply = next),
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
