// The bytes of all secrets, without one string or Buffer per key: pages of 64 KiB in shared memory, filled from front to
// back. A block is a word that names its slot (or, negative, its length when it is dead) and the bytes, rounded up to words.
// What is removed leaves a dead block; when more than a tenth is dead, the emptiest page is emptied into the page that is
// being filled, one page per change, so that adding and removing for ever takes no more than what is stored now, plus a
// tenth, plus two pages. Main thread only; readers compare offset and length around what they read.

import { secretPageBytes, type SharedColumns } from './shared-columns.ts'

/** Longer ones are refused: a page has to hold one. */
export const maxSecretBytes = secretPageBytes - 8
/** Dead bytes over all bytes at which pages are emptied. */
const maxDeadShare = 0.1
/** Below this nothing is worth moving. */
const minDeadBytes = 2 * secretPageBytes
const pageWords = secretPageBytes / 4
/** A read is torn only by a move within the same microsecond. */
const maxReadAttempts = 8

export interface SecretArena {
  /** Stores the secret of the slot; an earlier one of the same slot must be removed before. */
  put(slot: number, secret: Uint8Array): void
  remove(slot: number): void
  equals(slot: number, secret: Uint8Array): boolean
  readonly liveBytes: number
  readonly usedBytes: number
}

export function createSecretArena(columns: SharedColumns): SecretArena {
  /** Live bytes by page; only pages in use. */
  const live: number[] = []
  const freePages: number[] = []
  let currentPage = -1
  let filledWords = pageWords
  let liveBytes = 0

  function allocate(words: number): number {
    if (filledWords + words > pageWords) startPage()
    const offset = currentPage * pageWords + filledWords
    filledWords += words
    return offset
  }

  function startPage(): void {
    if (currentPage >= 0 && filledWords < pageWords) {
      columns.secretWords[currentPage * pageWords + filledWords] = filledWords - pageWords
    }
    if (currentPage >= 0 && live[currentPage] === 0) freePages.push(currentPage)
    currentPage = freePages.pop() ?? addPage()
    filledWords = 0
  }

  function addPage(): number {
    live.push(0)
    if (live.length * pageWords > columns.secretWords.length) columns.growSecrets(live.length)
    return live.length - 1
  }

  function claim(slot: number, words: number): number {
    const offset = allocate(words)
    columns.secretWords[offset] = slot
    const page = Math.floor(offset / pageWords)
    live[page] = (live[page] as number) + words * 4
    liveBytes += words * 4
    return offset
  }

  function drop(slot: number): void {
    const offset = columns.secretOffset[slot] as number
    const words = blockWords(columns.secretLength[slot] as number)
    columns.secretWords[offset] = -words
    liveBytes -= words * 4
    const page = Math.floor(offset / pageWords)
    const left = (live[page] as number) - words * 4
    live[page] = left
    if (left === 0 && page !== currentPage) freePages.push(page)
  }

  function pagesInUse(): number {
    return live.length - freePages.length
  }

  function compactOnePage(): void {
    const deadBytes = pagesInUse() * secretPageBytes - liveBytes
    if (deadBytes < minDeadBytes || deadBytes < liveBytes * maxDeadShare) return
    const page = emptiestPage()
    if (page >= 0) emptyPage(page)
  }

  /** A few reads per thousand keys: pages hold about a thousand each. */
  function emptiestPage(): number {
    let best = -1
    for (let page = 0; page < live.length; page += 1) {
      const bytes = live[page] as number
      if (bytes === 0 || page === currentPage) continue
      if (best < 0 || bytes < (live[best] as number)) best = page
    }
    return best
  }

  function emptyPage(page: number): void {
    const end = (page + 1) * pageWords
    for (let at = page * pageWords; at < end;) {
      const mark = columns.secretWords[at] as number
      if (mark < 0) at -= mark
      else {
        const words = blockWords(columns.secretLength[mark] as number)
        move(mark, at, words)
        at += words
      }
    }
  }

  function move(slot: number, from: number, words: number): void {
    const to = claim(slot, words)
    columns.secretWords.copyWithin(to + 1, from + 1, from + words)
    drop(slot)
    Atomics.store(columns.secretOffset, slot, to)
  }

  return {
    put(slot, secret) {
      if (secret.length > maxSecretBytes) throw new RangeError(`a secret is longer than ${maxSecretBytes} bytes`)
      const offset = claim(slot, blockWords(secret.length))
      columns.secrets.set(secret, (offset + 1) * 4)
      Atomics.store(columns.secretOffset, slot, offset)
      Atomics.store(columns.secretLength, slot, secret.length)
    },
    remove(slot) {
      drop(slot)
      Atomics.store(columns.secretLength, slot, 0)
      compactOnePage()
    },
    equals(slot, secret) {
      const start = ((columns.secretOffset[slot] as number) + 1) * 4
      return columns.secrets.subarray(start, start + (columns.secretLength[slot] as number)).equals(secret)
    },
    get liveBytes() {
      return liveBytes
    },
    get usedBytes() {
      return pagesInUse() * secretPageBytes
    },
  }
}

function blockWords(bytes: number): number {
  return 1 + ((bytes + 3) >>> 2)
}

/**
 * Bytes as a latin1 string; '' when the slot has none. A block is not written again before its page was emptied, and then
 * the offset is another one: offset and length unchanged after the read prove what was read.
 */
export function readSecret(columns: SharedColumns, slot: number): string {
  for (let attempt = 0; attempt < maxReadAttempts; attempt += 1) {
    const length = Atomics.load(columns.secretLength, slot)
    const offset = Atomics.load(columns.secretOffset, slot)
    if (length === 0) return ''
    const start = (offset + 1) * 4
    if (start + length > columns.secrets.length) columns.refresh()
    const text = columns.secrets.toString('latin1', start, start + length)
    if (Atomics.load(columns.secretOffset, slot) === offset && Atomics.load(columns.secretLength, slot) === length) {
      return text
    }
  }
  return ''
}
