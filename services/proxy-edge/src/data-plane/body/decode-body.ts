import {
  brotliDecompress,
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
  gunzip,
  inflate,
  zstdDecompress,
} from 'node:zlib'
import type { Transform } from 'node:stream'

/**
 * Content codings, looked into only where a rule or the classification must; the forwarded bytes stay as they came. Output is
 * bounded, so that a small bomb stays small. Cut input is fine: what can be decoded is.
 */
export type Decoded = (bytes: Buffer | null) => void

export function isPlain(encoding: string): boolean {
  return encoding === '' || encoding.toLowerCase() === 'identity'
}

/** Null: unknown coding, damaged, or larger than `maxBytes`. */
export function decodeBody(bytes: Uint8Array, encoding: string, maxBytes: number, callback: Decoded): void {
  const done = (error: Error | null, result: Buffer) => callback(error === null ? result : null)
  const maxOutputLength = maxBytes
  switch (encoding.toLowerCase()) {
    case '':
    case 'identity':
      return callback(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    case 'gzip':
    case 'x-gzip':
      return gunzip(bytes, { maxOutputLength, finishFlush: constants.Z_SYNC_FLUSH }, done)
    case 'deflate':
      return inflate(bytes, { maxOutputLength, finishFlush: constants.Z_SYNC_FLUSH }, done)
    case 'br':
      return brotliDecompress(bytes, { maxOutputLength, finishFlush: constants.BROTLI_OPERATION_FLUSH }, done)
    case 'zstd':
      return zstdDecompress(bytes, { maxOutputLength, finishFlush: constants.ZSTD_e_flush }, done)
    default:
      return callback(null)
  }
}

/** For bodies that stream by; null = unknown coding. */
export function createDecoder(encoding: string): Transform | null {
  switch (encoding.toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip({ finishFlush: constants.Z_SYNC_FLUSH })
    case 'deflate':
      return createInflate({ finishFlush: constants.Z_SYNC_FLUSH })
    case 'br':
      return createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH })
    case 'zstd':
      return createZstdDecompress({ finishFlush: constants.ZSTD_e_flush })
    default:
      return null
  }
}
