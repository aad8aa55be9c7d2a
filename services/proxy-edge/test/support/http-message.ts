import { messageBody } from '@gpt-load/testkit/upstreams/http-framing'
import { connectRawClient } from '@gpt-load/testkit/upstreams/raw-client'
import type { RawConnection } from '@gpt-load/testkit/upstreams/raw-connection'

/** HTTP/1.1 messages as text, for assertions on exact bytes; strings are latin1, one character per byte. */
export type Message = {
  startLine: string
  status: number
  headers: [name: string, value: string][]
  header(name: string): string | undefined
  /** All values of that name, in order. */
  all(name: string): string[]
  /** Chunk framing is taken off. */
  body: string
  bytes: Buffer
  json<T>(): T
}

export function parseMessage(bytes: Buffer): Message {
  const head = bytes.toString('latin1', 0, bytes.indexOf('\r\n\r\n')).split('\r\n')
  const headers = head.slice(1).map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
  const all = (name: string) =>
    headers.filter(([other]) => other.toLowerCase() === name.toLowerCase()).map(([, value]) => value)
  const body = messageBody(bytes).toString('latin1')
  return {
    startLine: head[0] ?? '',
    status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(head[0] ?? '')?.[1] ?? 0),
    headers,
    header: (name) => all(name)[0],
    all,
    body,
    bytes,
    json: <T>() => JSON.parse(Buffer.from(body, 'latin1').toString('utf8')) as T,
  }
}

export type RequestText = {
  method?: string
  target: string
  headers?: readonly string[]
  /** Gets a Content-Length; for chunked bodies write the bytes yourself. */
  body?: string | Uint8Array
}

export function requestBytes({ method = 'POST', target, headers = [], body }: RequestText): Buffer {
  const bytes = body === undefined ? null : Buffer.from(body)
  const lines = [`${method} ${target} HTTP/1.1`, ...headers]
  if (!headers.some((line) => /^host:/i.test(line))) lines.splice(1, 0, 'Host: edge.test')
  if (bytes !== null) lines.push(`Content-Length: ${bytes.length}`)
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), bytes ?? Buffer.alloc(0)])
}

/** One request on a connection of its own. */
export async function send(port: number, request: RequestText): Promise<Message> {
  using client = await connectRawClient({ port })
  return await sendOn(client, request)
}

export async function sendOn(client: RawConnection, request: RequestText): Promise<Message> {
  await client.write(requestBytes(request))
  return parseMessage(await client.readResponse({ isHead: request.method === 'HEAD' }))
}
