import { severityOf } from '@gpt-load/contracts/key-state'
import type { KeyFacts, KeyState } from '@gpt-load/contracts/key-state'

/**
 * A sum (mod 2^64, as two 32-bit halves) of one hash per key over id and stored facts: O(1) to change, independent of order,
 * equal on every edge and in the database when nothing was missed. No BigInt: an edge changes it on every transition.
 */
export type StateHash = { high: number; low: number }

const stateNumbers = severityOf satisfies Record<KeyState, number>

export function createStateHash(): StateHash {
  return { high: 0, low: 0 }
}

export function addKeyToHash(sum: StateHash, keyId: number, facts: KeyFacts): void {
  const low = sum.low + hashKey(keyId, facts, 0x9e3779b1)
  const carry = low > 0xffff_ffff ? 1 : 0
  sum.low = low >>> 0
  sum.high = (sum.high + hashKey(keyId, facts, 0x85ebca77) + carry) >>> 0
}

export function removeKeyFromHash(sum: StateHash, keyId: number, facts: KeyFacts): void {
  const low = sum.low - hashKey(keyId, facts, 0x9e3779b1)
  const borrow = low < 0 ? 1 : 0
  sum.low = low >>> 0
  sum.high = (sum.high - hashKey(keyId, facts, 0x85ebca77) - borrow) >>> 0
}

export function formatStateHash({ high, low }: StateHash): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0')
}

/** The lower 53 bits, for where a number is wanted (a metric): exact in a double. */
export function stateHashNumber({ high, low }: StateHash): number {
  return (high & 0x1f_ffff) * 4_294_967_296 + low
}

export function parseStateHash(text: string): StateHash {
  return { high: Number.parseInt(text.slice(0, 8), 16), low: Number.parseInt(text.slice(8), 16) }
}

/** murmur3's mixing over the 32-bit halves of id and deadline, state, generation and failures. */
function hashKey(keyId: number, facts: KeyFacts, seed: number): number {
  let hash = mix(seed, keyId >>> 0)
  hash = mix(hash, Math.floor(keyId / 4_294_967_296))
  hash = mix(hash, stateNumbers[facts.state])
  hash = mix(hash, facts.until >>> 0)
  hash = mix(hash, Math.floor(facts.until / 4_294_967_296))
  hash = mix(hash, facts.generation)
  hash = mix(hash, facts.failures)
  return finish(hash)
}

function mix(hash: number, value: number): number {
  let part = Math.imul(value, 0xcc9e2d51)
  part = (part << 15) | (part >>> 17)
  const mixed = hash ^ Math.imul(part, 0x1b873593)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

function finish(value: number): number {
  let hash = value ^ (value >>> 16)
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
