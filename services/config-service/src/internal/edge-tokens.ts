import { createHash, timingSafeEqual } from 'node:crypto'

/** EDGE_TOKEN: who may ask `/internal/*`, and what seals snapshots. Two at a time while it is being rotated. */
export const minEdgeTokenBytes = 32
const maxEdgeTokens = 2
const maxCredentialLength = 2_048

/** Comma separated. Throws with what is wrong; never quotes a token. */
export function parseEdgeTokens(text: string): string[] {
  const tokens = text
    .split(',')
    .map((token) => token.trim())
    .filter((token) => token !== '')
  if (tokens.length === 0) throw new RangeError('is missing: openssl rand -hex 32 makes one')
  if (tokens.length > maxEdgeTokens) throw new RangeError('holds more than two tokens')
  if (tokens.some((token) => Buffer.byteLength(token) < minEdgeTokenBytes))
    throw new RangeError('must have at least 32 bytes: openssl rand -hex 32 makes a good one')
  return tokens
}

/** Checks `authorization: Bearer …`, in the same time whichever token it is and wherever it differs. */
export function createEdgeTokenCheck(tokens: readonly string[]): (authorization: string | undefined) => boolean {
  const digests = tokens.map(digest)
  return (authorization = '') => {
    const given = /^Bearer +(\S+)$/i.exec(authorization.slice(0, maxCredentialLength))?.[1] ?? ''
    const actual = digest(given)
    return digests.map((expected) => timingSafeEqual(expected, actual)).includes(true)
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
