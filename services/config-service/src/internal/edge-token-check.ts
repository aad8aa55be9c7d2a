import { createHash, timingSafeEqual } from 'node:crypto'

const maxCredentialLength = 2_048

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
