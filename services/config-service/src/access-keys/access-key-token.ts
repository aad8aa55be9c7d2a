import { randomBytes } from 'node:crypto'
import { accessKeyPrefix } from '@gpt-load/contracts/api/access-key'
import { keyHint } from '@gpt-load/contracts/key-hint'

/** 256 random bits behind a prefix that secret scanners and people recognise. */
export function generateAccessKeyToken(): string {
  return `${accessKeyPrefix}${randomBytes(32).toString('base64url')}`
}

/** The prefix is the same for all and tells nothing: it is shown beside the hint of the rest. */
export function accessKeyHint(token: string): string {
  if (!token.startsWith(accessKeyPrefix)) return keyHint(token)
  return `${accessKeyPrefix}${keyHint(token.slice(accessKeyPrefix.length))}`
}
