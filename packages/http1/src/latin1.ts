/** `latin1Slice` has no type; `toString('latin1', …)` is the same behind a few checks of its arguments. */
type Latin1Buffer = Buffer & {
  latin1Slice(start: number, end: number): string
  latin1Write(text: string, start: number, length: number): number
}

export function readLatin1(bytes: Buffer, start: number, end: number): string {
  return (bytes as Latin1Buffer).latin1Slice(start, end)
}

export function writeLatin1(bytes: Buffer, text: string, start: number): void {
  ;(bytes as Latin1Buffer).latin1Write(text, start, text.length)
}
