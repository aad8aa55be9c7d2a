import { createDecipheriv, createHash, createHmac, pbkdf2Sync } from 'node:crypto'

/**
 * How GPT-Load 1.x keeps a provider key: in clear with its SHA-256, or, under an ENCRYPTION_KEY, as hex of nonce, AES-256-GCM
 * ciphertext and tag with an HMAC. Which of the two is told row by row by the hash, so a table may hold both; a text that
 * fits neither is never taken for a key.
 */
export type OpenedKey = { key: string; mode: 'clear' | 'encrypted' }

const salt = 'gpt-load-encryption-v1'
const iterations = 100_000
const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16

/** `encryptionKey` undefined: only rows in clear can be opened. null = the row cannot be. */
export function createKeyOpener(encryptionKey: string | undefined): (value: string, hash: string) => OpenedKey | null {
  const cipherKey =
    encryptionKey === undefined ? undefined : pbkdf2Sync(encryptionKey, salt, iterations, keyBytes, 'sha256')
  return (value, hash) => {
    // Before 1.1.0 there were neither hashes nor encryption.
    if (hash === '' || createHash('sha256').update(value).digest('hex') === hash) return { key: value, mode: 'clear' }
    const key = cipherKey === undefined ? null : decrypt(cipherKey, value)
    if (cipherKey === undefined || key === null) return null
    return createHmac('sha256', cipherKey).update(key).digest('hex') === hash ? { key, mode: 'encrypted' } : null
  }
}

function decrypt(cipherKey: Buffer, value: string): string | null {
  const bytes = Buffer.from(value, 'hex')
  if (bytes.length * 2 !== value.length || bytes.length < nonceBytes + tagBytes) return null
  const decipher = createDecipheriv('aes-256-gcm', cipherKey, bytes.subarray(0, nonceBytes))
  decipher.setAuthTag(bytes.subarray(-tagBytes))
  try {
    const text = decipher.update(bytes.subarray(nonceBytes, -tagBytes))
    return Buffer.concat([text, decipher.final()]).toString('utf8')
  } catch {
    return null
  }
}
