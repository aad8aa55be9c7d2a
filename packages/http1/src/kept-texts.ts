import { readLatin1 } from './latin1.ts'

/**
 * Names of fields and paths, as text. The same few come with every head, so they are kept, by length and three of their bytes: one
 * that is known costs a comparison, and whoever looks it up in a map finds its hash done. Nothing is kept that may be a secret
 * (values, queries), each as text of its own, and a place holds the last one that fell on it, so that no sender can grow the table.
 */
const places = 1_024
const maxKeptBytes = 64
const kept: string[] = Array.from({ length: places }, () => '')
/** Their bytes, `maxKeptBytes` each: comparing these takes half as long as comparing characters of text. */
const keptBytes = new Uint8Array(places * maxKeptBytes)

export function keptText(bytes: Buffer, start: number, end: number): string {
  const length = end - start
  if (length > maxKeptBytes) return readLatin1(bytes, start, end)
  const middle = bytes[start + (length >> 1)]!
  const place = (length * 37 + bytes[start]! * 7 + middle * 131 + bytes[end - 1]! * 17) & (places - 1)
  const known = kept[place]!
  if (known.length === length && isKept(place, bytes, start, length)) return known
  const text = readLatin1(bytes, start, end)
  kept[place] = text
  keptBytes.set(bytes.subarray(start, end), place * maxKeptBytes)
  return text
}

function isKept(place: number, bytes: Buffer, start: number, length: number): boolean {
  const base = place * maxKeptBytes
  for (let index = 0; index < length; index += 1) if (bytes[start + index] !== keptBytes[base + index]) return false
  return true
}
