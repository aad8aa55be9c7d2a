import { createSecretKey, randomBytes, scrypt, type KeyObject } from 'node:crypto'
import { z } from 'zod'

/**
 * The wrapping key is derived from ENCRYPTION_KEY, any text of 16 characters or more, by scrypt with a random salt. Its
 * parameters are stored beside the wrapped key, so that they can rise later without re-encrypting a row.
 */
export const minMasterKeyLength = 16
/** `former`: the one before, until a rotation is over. */
export type MasterKeys = { masterKey: string; former?: string | undefined }
const derivationSchema = z.object({ kdf: z.literal('scrypt'), n: z.int(), r: z.int(), p: z.int(), salt: z.string() })
export type Derivation = z.infer<typeof derivationSchema>

/** 32 MiB and some 60 ms: paid once per start. */
export function newDerivation(): Derivation {
  return { kdf: 'scrypt', n: 32_768, r: 8, p: 1, salt: randomBytes(16).toString('base64') }
}

export function parseDerivation(text: string): Derivation {
  return derivationSchema.parse(JSON.parse(text))
}

export async function deriveWrappingKey(masterKey: string, derivation: Derivation): Promise<KeyObject> {
  const { n, r, p, salt } = derivation
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  scrypt(
    masterKey.normalize(),
    Buffer.from(salt, 'base64'),
    32,
    { N: n, r, p, maxmem: 256 * n * r },
    (error, derived) => (error === null ? resolve(derived) : reject(error)),
  )
  return createSecretKey(await promise)
}
