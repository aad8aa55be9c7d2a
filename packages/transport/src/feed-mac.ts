// MACs of change feed messages. Redis is not trusted: whoever can publish there must not be able to disable a key or
// revive a revoked one on the edges. Signed is the whole message but `macs`, in a serialisation that does not depend on
// property order and covers fields that this version does not know, so neighbours in version verify each other.

import { createHmac, timingSafeEqual } from 'node:crypto'
import type { ChangeFeedMessage } from '@gpt-load/contracts/change-feed-message'
import { deriveEdgeKey } from './content-key.ts'

const macInfo = 'gpt-load/change-feed-mac/v1'
/** Two tokens are accepted at a time; more entries than this are not looked at. */
const maxMacsChecked = 4

/** The same message with one MAC per accepted token. */
export type FeedSigner = (message: ChangeFeedMessage) => ChangeFeedMessage
/** Takes what JSON.parse gave, before any schema drops unknown fields. */
export type FeedVerifier = (message: unknown) => boolean

export function createFeedSigner(edgeTokens: readonly string[]): FeedSigner {
  const keys = edgeTokens.map((token) => deriveEdgeKey(token, macInfo))
  return (message) => {
    const text = canonicalMessage(message)
    return { ...message, macs: keys.map((key) => mac(key, text).toString('hex')) }
  }
}

/** True when one of the message's MACs was made under one of the tokens. */
export function createFeedVerifier(edgeTokens: readonly string[]): FeedVerifier {
  const keys = edgeTokens.map((token) => deriveEdgeKey(token, macInfo))
  return (message) => {
    const claimed = claimedMacs(message)
    if (claimed.length === 0) return false
    const text = canonicalMessage(message as object)
    const expected = keys.map((key) => mac(key, text))
    return claimed.some((one) => expected.some((other) => one.length === other.length && timingSafeEqual(one, other)))
  }
}

/** JSON with sorted properties; properties that are undefined are left out, as JSON.stringify does. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${canonicalJson(item)}`).join(',')}}`
}

function canonicalMessage(message: object): string {
  return canonicalJson({ ...message, macs: undefined })
}

function claimedMacs(message: unknown): Buffer[] {
  const macs = typeof message === 'object' && message !== null && 'macs' in message ? message.macs : undefined
  if (!Array.isArray(macs)) return []
  return macs
    .slice(0, maxMacsChecked)
    .filter((entry) => typeof entry === 'string')
    .map((entry) => Buffer.from(entry, 'hex'))
}

function mac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
