import { crc32 } from 'node:zlib'
import type { LogBatchIdentity } from '@gpt-load/contracts/log-event'
import type { SealedBatch } from '@gpt-load/transport/log-stream'

/**
 * A batch in a segment file: its identity in front, so that nothing has to be opened to send it again, byte for byte.
 *
 *   u32 length of what follows the checksum | u32 CRC-32 of that | u16 length of the identity | identity, JSON | batch
 */
const headBytes = 8
/** With its head. A batch is about 640 KiB at most, and is compressed; what says more is no record. */
export const maxRecordBytes = 1_048_576

export function encodeRecord({ identity, bytes }: SealedBatch): Buffer {
  const name = Buffer.from(JSON.stringify(identity))
  const record = Buffer.allocUnsafe(headBytes + 2 + name.length + bytes.length)
  record.writeUInt32LE(record.length - headBytes, 0)
  record.writeUInt16LE(name.length, headBytes)
  name.copy(record, headBytes + 2)
  record.set(bytes, headBytes + 2 + name.length)
  record.writeUInt32LE(crc32(record.subarray(headBytes)), 4)
  return record
}

export type RecordsRead = {
  batches: SealedBatch[]
  /** Bytes of whole, sound records. */
  length: number
  /** What follows is no record: torn by a crash, or damaged. False when it is only not whole yet. */
  isBroken: boolean
}

/** Batches are views of `bytes`. */
export function readRecords(bytes: Buffer): RecordsRead {
  const batches: SealedBatch[] = []
  let at = 0
  while (bytes.length - at >= headBytes) {
    const length = bytes.readUInt32LE(at)
    if (length < 2 || length > maxRecordBytes - headBytes) return { batches, length: at, isBroken: true }
    const end = at + headBytes + length
    if (end > bytes.length) break
    const content = bytes.subarray(at + headBytes, end)
    const batch = crc32(content) === bytes.readUInt32LE(at + 4) ? readBatch(content) : null
    if (batch === null) return { batches, length: at, isBroken: true }
    batches.push(batch)
    at = end
  }
  return { batches, length: at, isBroken: false }
}

function readBatch(content: Buffer): SealedBatch | null {
  const nameEnd = 2 + content.readUInt16LE(0)
  if (nameEnd > content.length) return null
  try {
    const identity = JSON.parse(content.toString('utf8', 2, nameEnd)) as LogBatchIdentity
    return { identity, bytes: content.subarray(nameEnd) }
  } catch {
    return null
  }
}
