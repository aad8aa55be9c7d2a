import { hash, type KeyObject } from 'node:crypto'
import { sealEnvelope } from './envelope.ts'

/** What hashing and sealing take, in whichever thread. */
export type SealingMaterial = { pepper: Uint8Array; keyId: number; key: KeyObject }

export type SealingWork =
  | { kind: 'hash'; texts: readonly string[] }
  /** One purpose for each text. */
  | { kind: 'seal'; texts: readonly string[]; purposes: readonly string[] }

/** Results one behind the other: the one at `index` ends at `ends[index]`. Two blocks of memory, however many, so that they can change threads. */
export type SealedBlock = { bytes: Uint8Array<ArrayBuffer>; ends: Uint32Array<ArrayBuffer> }

export function sealMany(material: SealingMaterial, work: SealingWork): SealedBlock {
  return blockOf(work.kind === 'hash' ? hashAll(material, work.texts) : sealAll(material, work))
}

export function hashToken(pepper: Uint8Array, token: string): Uint8Array<ArrayBuffer> {
  return hash('sha256', Buffer.concat([pepper, Buffer.from(token)]), 'buffer')
}

/** Views of the block, in order. */
export function resultsOf({ bytes, ends }: SealedBlock): Buffer<ArrayBuffer>[] {
  return Array.from(ends, (end, index) => {
    const start = index === 0 ? 0 : ends[index - 1]!
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start)
  })
}

function hashAll({ pepper }: SealingMaterial, texts: readonly string[]): Uint8Array[] {
  return texts.map((text) => hashToken(pepper, text))
}

function sealAll(
  { key, keyId }: SealingMaterial,
  { texts, purposes }: Extract<SealingWork, { kind: 'seal' }>,
): Uint8Array[] {
  return texts.map((text, index) => sealEnvelope(key, keyId, Buffer.from(text), Buffer.from(purposes[index]!)))
}

function blockOf(results: readonly Uint8Array[]): SealedBlock {
  const ends = new Uint32Array(results.length)
  let length = 0
  for (const [index, result] of results.entries()) ends[index] = length += result.length
  const bytes = new Uint8Array(length)
  let at = 0
  for (const result of results) {
    bytes.set(result, at)
    at += result.length
  }
  return { bytes, ends }
}
