import type { IncomingMessage } from 'node:http'
import { ApiProblem } from './api-problem.ts'
import { parseJson } from './parse-json.ts'

/** Reads the JSON body of a request within a bound of bytes and of time. `undefined` = there is none. */
export type ReadBodyOptions = {
  maxBytes: number
  timeoutMs: number
  /** JSON whatever Content-Type says: GPT-Load never looks at it, and scripts send it without. */
  isAnyType?: boolean
}

const jsonTypes = /^application\/(?:[a-z0-9.+-]+\+)?json$/i

export async function readJsonBody(request: IncomingMessage, options: ReadBodyOptions): Promise<unknown> {
  if (!hasBody(request)) return undefined
  refuseForeignEncoding(request, (type) => options.isAnyType === true || jsonTypes.test(type), 'application/json')
  const text = decodeUtf8(await readBytes(request, options))
  if (text.trim() === '') return undefined
  const result = parseJson(text)
  if (result.ok) return result.value
  throw new ApiProblem('bad_request', `The body ${result.problem} (line ${result.line}, column ${result.column}).`)
}

export function hasBody(request: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers
  return encoding !== undefined || (length !== undefined && length !== '0')
}

/** Answers the media type, in lower case. */
export function refuseForeignEncoding(
  request: IncomingMessage,
  isKnown: (type: string) => boolean,
  known: string,
): string {
  const [type = '', ...parameters] = (request.headers['content-type'] ?? '').split(';').map((part) => part.trim())
  if (!isKnown(type.toLowerCase())) throw new ApiProblem('unsupported_media_type', `Send ${known}.`)
  const charset = parameters.find((parameter) => /^charset=/i.test(parameter))?.slice('charset='.length)
  if (charset !== undefined && !/^"?utf-?8"?$/i.test(charset))
    throw new ApiProblem('unsupported_media_type', 'Send UTF-8.')
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new ApiProblem('unsupported_media_type', 'Send the body uncompressed.')
  return type.toLowerCase()
}

async function readBytes(request: IncomingMessage, { maxBytes, timeoutMs }: ReadBodyOptions): Promise<Buffer> {
  const tooLarge = new ApiProblem('payload_too_large', `The body may have ${maxBytes} bytes.`, {
    headers: { connection: 'close' },
  })
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge
  const chunks: Buffer[] = []
  let length = 0
  const timer = setTimeout(() => request.destroy(), timeoutMs)
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > maxBytes) throw tooLarge
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof ApiProblem) throw error
    throw new ApiProblem('bad_request', 'The body broke off.', { cause: error })
  } finally {
    clearTimeout(timer)
  }
  return Buffer.concat(chunks, length)
}

function decodeUtf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new ApiProblem('bad_request', 'The body is not UTF-8.')
  }
}
