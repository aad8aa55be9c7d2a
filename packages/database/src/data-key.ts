import { createSecretKey, type KeyObject } from 'node:crypto'
import { EnvelopeError, openEnvelope, sealEnvelope } from './envelope.ts'
import { deriveWrappingKey, newDerivation, parseDerivation, type MasterKeys } from './master-key.ts'

/**
 * Data keys as they lie in their rows: wrapped by the master key, during a rotation by the former one beside it, so that a
 * process that knows either of them opens all of them.
 */
export class WrongMasterKeyError extends Error {
  override name = 'WrongMasterKeyError'
  /** Read by service-kit's startup-error: the operator's to mend, the message is enough. */
  readonly code = 'STARTUP_REFUSED'
}

export type WrappedKey = { wrapped: Buffer; derivation: string }
export type WrappedDataKey = WrappedKey & {
  id: number
  wrapped_previous: Buffer | null
  derivation_previous: string | null
}
export type UnwrappedDataKey = {
  key: KeyObject
  /** ENCRYPTION_KEY alone does not open it. */
  needsFormerKey: boolean
}

const purpose = Buffer.from('data_key')

export async function wrapDataKey(masterKey: string, key: KeyObject): Promise<WrappedKey> {
  const derivation = newDerivation()
  const wrappingKey = await deriveWrappingKey(masterKey, derivation)
  return { wrapped: sealEnvelope(wrappingKey, 0, key.export(), purpose), derivation: JSON.stringify(derivation) }
}

/**
 * Tries what is likely first: each try costs a derivation. A data key stays what it is however it is wrapped, so one that is `known`
 * needs no master key: a process that has only the former one goes on after a rotation until it ends.
 */
export async function unwrapDataKey(
  { masterKey, former }: MasterKeys,
  row: WrappedDataKey,
  known: KeyObject | undefined,
): Promise<UnwrappedDataKey> {
  if (known !== undefined && former === undefined) return { key: known, needsFormerKey: false }
  const wraps = wrapsOf(row)
  for (const master of former === undefined ? [masterKey] : [masterKey, former])
    for (const wrap of wraps) {
      const key = await unwrap(master, wrap)
      if (key !== null) return { key, needsFormerKey: master !== masterKey }
    }
  if (known !== undefined) return { key: known, needsFormerKey: false }
  throw new WrongMasterKeyError(
    'ENCRYPTION_KEY is not the one that this database was set up with. Nothing was changed.\n' +
      '    -> start with the former key; to change it, name the former one in ENCRYPTION_KEY_PREVIOUS',
  )
}

function wrapsOf({
  wrapped,
  derivation,
  wrapped_previous: other,
  derivation_previous: otherDerivation,
}: WrappedDataKey) {
  const wraps: WrappedKey[] = [{ wrapped, derivation }]
  if (other !== null && otherDerivation !== null) wraps.push({ wrapped: other, derivation: otherDerivation })
  return wraps
}

async function unwrap(masterKey: string, { wrapped, derivation }: WrappedKey): Promise<KeyObject | null> {
  const wrappingKey = await deriveWrappingKey(masterKey, parseDerivation(derivation))
  try {
    return createSecretKey(openEnvelope(wrappingKey, wrapped, purpose))
  } catch (error) {
    if (error instanceof EnvelopeError) return null
    throw error
  }
}
