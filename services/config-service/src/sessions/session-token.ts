import { createHash, randomBytes } from 'node:crypto'

/** 256 random bits: stored as a plain SHA-256, nothing slower is needed against guessing. */
export function generateSessionToken(): string {
  return randomBytes(32).toString('base64url')
}

export function isSessionToken(text: string): boolean {
  return /^[\w-]{43}$/.test(text)
}

export function hashSessionToken(token: string): Uint8Array {
  return createHash('sha256').update(token).digest()
}
