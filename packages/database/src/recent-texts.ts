/**
 * Texts that were sealed a moment ago: whoever tells others of new keys opens each of them right after, for as much time as it
 * took to seal it. A text stays until it is asked for or later ones take its place, and is given only for the very envelope and
 * purpose that it was sealed with.
 */
export interface RecentTexts {
  /** In order, as many of each. */
  add(envelopes: readonly Uint8Array[], purposes: readonly string[], texts: readonly string[]): void
  take(envelope: Uint8Array, purpose: string): string | null
}

/** Four chunks of an import: 3 MB. What is told later is opened. */
const maxRecentTexts = 20_000

export function createRecentTexts(): RecentTexts {
  const recent = new Map<string, { envelope: Uint8Array; text: string }>()
  return {
    add(envelopes, purposes, texts) {
      for (const [index, purpose] of purposes.entries())
        recent.set(purpose, { envelope: envelopes[index]!, text: texts[index]! })
      for (const oldest of recent.keys()) {
        if (recent.size <= maxRecentTexts) break
        recent.delete(oldest)
      }
    },
    take(envelope, purpose) {
      const found = recent.get(purpose)
      if (found === undefined || Buffer.compare(found.envelope, envelope) !== 0) return null
      recent.delete(purpose)
      return found.text
    },
  }
}
