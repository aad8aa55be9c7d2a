// Masks secrets in any text that leaves the process by a log line, an error message or a status body: exact values
// that were registered, also in their JSON- and URL-encoded forms, and what looks like a credential (secret-patterns.ts).
// Invariant: a registered secret never comes out of `scrub`. Left out: values shorter than MIN_SECRET_CHARACTERS
// (masking "root" everywhere would make logs useless) and other encodings (base64, hex).

import { MIN_SECRET_CHARACTERS, SECRET_MARK, scrubPatterns } from './secret-patterns.ts'

export interface SecretScrubber {
  /** Masks `value` from now on. False when it is too short to be masked by value. */
  add(value: string): boolean
  scrub(text: string): string
  /** How many values have been forgotten because the bound was reached. */
  readonly evictedCount: number
}

export type SecretScrubberOptions = {
  /** Secrets of the configuration: never forgotten. */
  readonly known?: readonly string[]
  /** Values added later that are remembered; past it the oldest is forgotten. 10,000 of 64 characters are about 6 MB. */
  readonly maxSecrets?: number
}

export function createSecretScrubber(options: SecretScrubberOptions = {}): SecretScrubber {
  const maxSecrets = options.maxSecrets ?? 10_000
  const index = createFormIndex()
  const added = new Set<string>()
  const known = new Set((options.known ?? []).filter((value) => value.length >= MIN_SECRET_CHARACTERS))
  for (const value of known) index.add(value)
  let evictedCount = 0

  function evictOldest(): void {
    const oldest = added.values().next().value
    if (oldest === undefined) return
    added.delete(oldest)
    index.remove(oldest)
    evictedCount += 1
  }

  return {
    get evictedCount() {
      return evictedCount
    },
    add(value) {
      if (value.length < MIN_SECRET_CHARACTERS) return false
      if (known.has(value) || added.has(value)) return true
      if (added.size >= maxSecrets) evictOldest()
      added.add(value)
      index.add(value)
      return true
    },
    // Exact values first: a pattern could mask a part of one and leave its rest unrecognisable.
    scrub: (text) => scrubPatterns(index.mask(text)),
  }
}

/**
 * Finds any of many texts in one pass: the first MIN_SECRET_CHARACTERS characters of each form lead to its bucket, so
 * the cost of a line does not grow with the number of secrets.
 */
function createFormIndex() {
  const buckets = new Map<string, Map<string, number>>()

  function add(value: string): void {
    for (const form of formsOf(value)) {
      const head = form.slice(0, MIN_SECRET_CHARACTERS)
      const bucket = buckets.get(head) ?? new Map<string, number>()
      bucket.set(form, (bucket.get(form) ?? 0) + 1)
      buckets.set(head, bucket)
    }
  }

  function remove(value: string): void {
    for (const form of formsOf(value)) {
      const head = form.slice(0, MIN_SECRET_CHARACTERS)
      const bucket = buckets.get(head)
      const uses = (bucket?.get(form) ?? 1) - 1
      if (uses > 0) bucket?.set(form, uses)
      else bucket?.delete(form)
      if (bucket?.size === 0) buckets.delete(head)
    }
  }

  function longestFormAt(text: string, at: number): number {
    const bucket = buckets.get(text.slice(at, at + MIN_SECRET_CHARACTERS))
    let longest = 0
    for (const form of bucket?.keys() ?? [])
      if (form.length > longest && text.startsWith(form, at)) longest = form.length
    return longest
  }

  function mask(text: string): string {
    if (buckets.size === 0) return text
    let masked = ''
    let copiedTo = 0
    let coveredTo = 0
    for (let at = 0; at + MIN_SECRET_CHARACTERS <= text.length; at += 1) {
      const end = at + longestFormAt(text, at)
      if (end <= at || end <= coveredTo) continue
      // Overlapping secrets are masked as one: resuming after the first would print the tail of the second.
      if (at >= coveredTo) masked += text.slice(Math.max(copiedTo, coveredTo), at) + SECRET_MARK
      coveredTo = end
      copiedTo = end
    }
    return masked + text.slice(copiedTo)
  }

  return { add, remove, mask }
}

/** The forms in which a text shows a secret: plain, inside JSON, inside JSON inside JSON, in a URL. */
function formsOf(value: string): ReadonlySet<string> {
  const inJson = JSON.stringify(value).slice(1, -1)
  const inJsonTwice = JSON.stringify(inJson).slice(1, -1)
  const wellFormed = value.toWellFormed()
  return new Set([value, inJson, inJsonTwice, encodeURIComponent(wellFormed), encodeURI(wellFormed)])
}
