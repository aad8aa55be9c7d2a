import { createHash, randomBytes } from 'node:crypto'
import { adminTokenPrefix } from '@gpt-load/contracts/api/admin-token'

/** 256 random bits behind a prefix that secret scanners and people recognise; stored as a plain SHA-256. */
export function generateAdminToken(): string {
  return `${adminTokenPrefix}${randomBytes(32).toString('base64url')}`
}

export function isAdminToken(text: string): boolean {
  return text.startsWith(adminTokenPrefix)
}

export function hashAdminToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
