import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Response } from 'express'

/** An answer as it is made, at the pace of who takes it. That they went away is their matter; the maker is told by `return`. */
export async function sendStream(
  response: Response,
  { type, status, stream }: { type: string; status: number; stream: AsyncIterable<string> },
): Promise<void> {
  response.status(status).setHeader('content-type', `${type}; charset=utf-8`)
  // Reverse proxies that buffer would keep events back (nginx).
  response.setHeader('x-accel-buffering', 'no')
  try {
    await pipeline(Readable.from(stream, { objectMode: true, highWaterMark: 1 }), response)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
  }
}
