// Content keys of sealed chunks. Every base and every delta answer is sealed under a random key of its own; the key
// travels beside it, wrapped once per accepted EDGE_TOKEN. So rotating the token re-wraps 32 bytes, never a snapshot,
// and a stored snapshot opens with nothing but the edge's own environment.

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

export const contentKeyBytes = 32
const nonceBytes = 12
const tagBytes = 16
const wrappedBytes = nonceBytes + contentKeyBytes + tagBytes
const wrapInfo = 'gpt-load/content-key-wrap/v1'

/** A key seals one stream of chunks and no other: the chunks' nonces are counters. */
export function createContentKey(): Uint8Array {
  return randomBytes(contentKeyBytes)
}

/** One entry per token: base64 of nonce || ciphertext || tag. */
export function wrapContentKey(contentKey: Uint8Array, edgeTokens: readonly string[]): string[] {
  return edgeTokens.map((token) => {
    const nonce = randomBytes(nonceBytes)
    const cipher = createCipheriv('aes-256-gcm', deriveEdgeKey(token, wrapInfo), nonce)
    const sealed = [nonce, cipher.update(contentKey), cipher.final(), cipher.getAuthTag()]
    return Buffer.concat(sealed).toString('base64')
  })
}

/** Null when no entry was wrapped for this token (or for one of these): the edge's EDGE_TOKEN is not accepted there. */
export function unwrapContentKey(wrapped: readonly string[], edgeToken: string | readonly string[]): Uint8Array | null {
  for (const token of typeof edgeToken === 'string' ? [edgeToken] : edgeToken) {
    const wrappingKey = deriveEdgeKey(token, wrapInfo)
    for (const entry of wrapped) {
      const contentKey = open(Buffer.from(entry, 'base64'), wrappingKey)
      if (contentKey) return contentKey
    }
  }
  return null
}

/** 32 bytes for one use of an EDGE_TOKEN; `info` names the use. */
export function deriveEdgeKey(token: string, info: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', token, '', info, 32))
}

function open(sealed: Buffer, wrappingKey: Uint8Array): Uint8Array | null {
  if (sealed.length !== wrappedBytes) return null
  const decipher = createDecipheriv('aes-256-gcm', wrappingKey, sealed.subarray(0, nonceBytes))
  decipher.setAuthTag(sealed.subarray(nonceBytes + contentKeyBytes))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, -tagBytes)), decipher.final()])
  } catch {
    return null
  }
}
