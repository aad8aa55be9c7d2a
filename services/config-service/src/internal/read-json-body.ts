import type { IncomingMessage } from 'node:http'
import type { z } from 'zod'

/** An edge sent what it must not. `code` is what it is told. */
export class RequestRefused extends Error {
  override name = 'RequestRefused'
  readonly status: number
  readonly code: string
  constructor(status: number, code: string) {
    super(code)
    this.status = status
    this.code = code
  }
}

export async function readJsonBody<T>(request: IncomingMessage, schema: z.ZodType<T>, maxBytes: number): Promise<T> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length
    if (bytes > maxBytes) throw new RequestRefused(413, 'body_too_large')
    pieces.push(piece)
  }
  const result = schema.safeParse(parseJson(Buffer.concat(pieces).toString('utf8')))
  if (!result.success) throw new RequestRefused(400, 'bad_body')
  return result.data
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new RequestRefused(400, 'bad_json')
  }
}
