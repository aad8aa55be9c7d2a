import { createHash, timingSafeEqual } from 'node:crypto'

/** Longer ones are nobody's. */
const maxAuthorizationLength = 2_048

/** The token of `authorization: Bearer …` (RFC 6750 2.1); '' when there is none. */
export function readBearerToken(authorization = ''): string {
  return /^bearer +(\S+) *$/i.exec(authorization.slice(0, maxAuthorizationLength))?.[1] ?? ''
}

/** Whether a token is one of these, in the same time wherever it differs: digests have one length. */
export function createTokenCheck(tokens: readonly string[]): (token: string) => boolean {
  const digests = tokens.map(digest)
  return (token) => {
    const given = digest(token)
    return digests.map((expected) => timingSafeEqual(expected, given)).includes(true)
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
