import { STATUS_CODES } from '@gpt-load/service-kit/node-http'
import type { Duplex } from 'node:stream'

/** What no request object exists for: answered in plain text, then closed. */
export function refuseMalformed(socket: Duplex, status: number): void {
  if (!socket.writable) return void socket.destroy()
  const text = `${STATUS_CODES[status]}\n`
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: text/plain\r\n`
  socket.end(`${head}Content-Length: ${text.length}\r\n\r\n${text}`, () => socket.destroy())
}

/** node:http's `clientError`: a head that does not parse, is too large, or did not arrive in time. */
export function refuseBadHead(error: Error & { code?: string }, socket: Duplex & { bytesWritten?: number }): void {
  // Refused already: the same head has more faults.
  if (socket.writableEnded) return
  const status = statuses.get(error.code ?? '') ?? 400
  // An answer is under way: one more would be taken for its body.
  const hasAnswered = '_httpMessage' in socket && socket._httpMessage != null
  if (error.code === 'ECONNRESET' || hasAnswered) socket.destroy()
  else refuseMalformed(socket, status)
}

const statuses = new Map([
  ['HPE_HEADER_OVERFLOW', 431],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413],
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
])
