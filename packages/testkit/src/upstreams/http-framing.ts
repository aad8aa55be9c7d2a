// Where an HTTP/1.1 message ends, for raw peers that must hand out exact bytes. Deliberately lenient: tests send what
// a strict parser refuses, and a message whose framing makes no sense simply never ends (its reader times out).

export type MessageKind = 'request' | 'response' | 'response-to-head'

const HEAD_END = Buffer.from('\r\n\r\n')

/** Length of the first whole message in `bytes`; undefined while more must come (or only the close can tell). */
export function messageLength(bytes: Buffer, kind: MessageKind): number | undefined {
  const headEnd = bytes.indexOf(HEAD_END)
  if (headEnd < 0) return undefined
  const bodyStart = headEnd + HEAD_END.length
  const head = bytes.toString('latin1', 0, headEnd)
  if (hasNoBody(head, kind)) return bodyStart
  if (/^transfer-encoding:.*chunked/im.test(head)) return chunkedEnd(bytes, bodyStart)
  const contentLength = /^content-length:\s*(\d+)/im.exec(head)?.[1]
  if (contentLength === undefined) return kind === 'request' ? bodyStart : undefined
  const end = bodyStart + Number(contentLength)
  return end <= bytes.length ? end : undefined
}

/** The entity in a whole message, chunk framing taken off. */
export function messageBody(message: Buffer): Buffer {
  const headEnd = message.indexOf(HEAD_END)
  const bodyStart = headEnd + HEAD_END.length
  const isChunked = /^transfer-encoding:.*chunked/im.test(message.toString('latin1', 0, headEnd))
  if (!isChunked) return message.subarray(bodyStart)
  const parts: Buffer[] = []
  walkChunks(message, bodyStart, (chunk) => parts.push(chunk))
  return Buffer.concat(parts)
}

/** RFC 9112 6.3: these answers end with their head. */
function hasNoBody(head: string, kind: MessageKind): boolean {
  if (kind === 'request') return false
  return kind === 'response-to-head' || /^HTTP\/1\.\d (1\d\d|204|304)\b/.test(head)
}

function chunkedEnd(bytes: Buffer, start: number): number | undefined {
  const trailers = walkChunks(bytes, start, () => undefined)
  if (trailers === undefined) return undefined
  if (bytes.subarray(trailers, trailers + 2).equals(HEAD_END.subarray(0, 2))) return trailers + 2
  const end = bytes.indexOf(HEAD_END, trailers)
  return end < 0 ? undefined : end + HEAD_END.length
}

/** Offset behind the line of the last chunk; undefined when it has not come. */
function walkChunks(bytes: Buffer, start: number, onChunk: (chunk: Buffer) => void): number | undefined {
  let offset = start
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', offset)
    if (lineEnd < 0) return undefined
    const size = Number.parseInt(bytes.toString('latin1', offset, lineEnd), 16)
    if (Number.isNaN(size)) return undefined
    const data = lineEnd + 2
    if (size === 0) return data
    if (data + size + 2 > bytes.length) return undefined
    onChunk(bytes.subarray(data, data + size))
    offset = data + size + 2
  }
}
