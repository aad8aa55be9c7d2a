/** The text in two pieces, at every byte. */
export function* everyCut(bytes: Uint8Array): Generator<Uint8Array[]> {
  for (let at = 0; at <= bytes.length; at++) yield [bytes.subarray(0, at), bytes.subarray(at)]
}

export function singleBytes(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (_byte, at) => bytes.subarray(at, at + 1))
}

export const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
export const decode = (bytes: Uint8Array): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
