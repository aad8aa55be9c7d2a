/** The text in two pieces, at every byte. */
export function* everyCut(bytes: Uint8Array): Generator<Uint8Array[]> {
  for (let at = 0; at <= bytes.length; at++) yield [bytes.subarray(0, at), bytes.subarray(at)]
}

export function singleBytes(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (_byte, at) => bytes.subarray(at, at + 1))
}

type PieceReader = { push(chunk: Uint8Array, behind: number): void }

/** As reads come from a socket: each in the same Buffer, which the next one overwrites. */
export function pushBorrowed(reader: PieceReader, pieces: Iterable<Uint8Array>): void {
  let shared = Buffer.alloc(65_536)
  for (const piece of pieces) {
    if (piece.length > shared.length) shared = Buffer.alloc(piece.length)
    shared.set(piece)
    reader.push(shared.subarray(0, piece.length), 0)
    shared.fill('x')
  }
}

export const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
export const decode = (bytes: Uint8Array): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
