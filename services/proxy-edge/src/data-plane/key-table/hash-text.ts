/** 64 bits of a text, in two halves: two of some 2^17 texts meet by chance once in 10^9. The same on every edge. */
export type TextHash = { readonly high: number; readonly low: number }

export function hashText(text: string): TextHash {
  let high = 0x811c9dc5
  let low = 0x9747b28c
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    high = Math.imul(high ^ code, 0x01000193)
    low = Math.imul(low ^ code, 0x5bd1e995)
    low ^= low >>> 15
  }
  return { high: high | 0, low: (low ^ text.length) | 0 }
}
