import type { IncomingMessage } from 'node:http'
import { ApiProblem } from './api-problem.ts'
import { hasBody, refuseForeignEncoding } from './read-body.ts'

/** A body of any size that the verb reads as it comes. Its bound is time: a socket on which nothing moves is cut. */
export type Upload = {
  /** Media type, without parameters. */
  type: string
  bytes: AsyncIterable<Uint8Array>
}

/** null = there is no body. */
export function openUpload(request: IncomingMessage, types: readonly string[]): Upload | null {
  if (!hasBody(request)) return null
  const type = refuseForeignEncoding(request, (given) => types.includes(given), types.join(' or '))
  return { type, bytes: bytesOf(request) }
}

async function* bytesOf(request: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    // The answer goes out on the same socket: whoever stops reading must not destroy it.
    yield* request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>
  } catch (error) {
    throw new ApiProblem('bad_request', 'The body broke off.', { cause: error })
  }
}
