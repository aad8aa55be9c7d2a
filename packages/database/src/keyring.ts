import { createSecretKey, hash, randomBytes, type KeyObject } from 'node:crypto'
import { faultOf } from './database-errors.ts'
import type { DatabaseHandle } from './database-handle.ts'
import { EnvelopeError, envelopeKeyId, openEnvelope, sealEnvelope } from './envelope.ts'
import { deriveWrappingKey, minMasterKeyLength, newDerivation, parseDerivation } from './master-key.ts'

/**
 * Envelope encryption of everything secret in the database: ENCRYPTION_KEY wraps data keys, data keys seal values. The
 * installation's pepper is one of those values; it goes into the hashes of access keys and provider keys and never changes.
 * A wrong ENCRYPTION_KEY is refused before anything is written.
 */
export class WrongMasterKeyError extends Error {
  override name = 'WrongMasterKeyError'
  /** Read by service-kit's startup-error: the operator's to mend, the message is enough. */
  readonly code = 'STARTUP_REFUSED'
}

export interface Keyring {
  readonly epoch: string
  readonly pepper: Uint8Array
  /** `purpose` is bound to the value (associated data): it opens under the same purpose only. */
  seal(plaintext: string | Uint8Array, purpose: string): Uint8Array<ArrayBuffer>
  open(envelope: Uint8Array, purpose: string): Buffer
  /** SHA-256(pepper || token): how access keys and provider keys are looked up and compared. */
  hashToken(token: string): Uint8Array<ArrayBuffer>
  /** Reads the installation's row and data keys again: after a rotation or a new epoch by another replica. */
  reload(): Promise<void>
}

type DataKeys = { byId: Map<number, KeyObject>; active: { id: number; key: KeyObject } }
type Installation = { epoch: string; pepper: Buffer; keys: DataKeys }

const pepperPurpose = 'installation.pepper'
const dataKeyPurpose = Buffer.from('data_key')

/** Makes the installation (epoch, pepper, first data key) when there is none: once, however many replicas start. */
export async function openKeyring(options: { database: DatabaseHandle; masterKey: string }): Promise<Keyring> {
  const { database, masterKey } = options
  if (masterKey.length < minMasterKeyLength)
    throw new WrongMasterKeyError(
      `ENCRYPTION_KEY must have at least ${minMasterKeyLength} characters\n    -> make a good one with: openssl rand -hex 32`,
    )
  let installation = await loadInstallation(database, masterKey)
  if (installation === null) {
    await createInstallation(database, masterKey)
    installation = await loadInstallation(database, masterKey)
  }
  if (installation === null) throw new Error('the installation row is missing right after it was written')
  return createKeyring(database, masterKey, installation)
}

function createKeyring(database: DatabaseHandle, masterKey: string, first: Installation): Keyring {
  let current = first
  return {
    get epoch() {
      return current.epoch
    },
    get pepper() {
      return current.pepper
    },
    seal: (plaintext, purpose) => sealWith(current.keys.active, plaintext, purpose),
    open: (envelope, purpose) => openWith(current.keys, envelope, purpose),
    hashToken: (token) => hash('sha256', Buffer.concat([current.pepper, Buffer.from(token)]), 'buffer'),
    async reload() {
      current = (await loadInstallation(database, masterKey)) ?? current
    },
  }
}

function sealWith(active: DataKeys['active'], plaintext: string | Uint8Array, purpose: string): Buffer<ArrayBuffer> {
  const bytes = typeof plaintext === 'string' ? Buffer.from(plaintext) : plaintext
  return sealEnvelope(active.key, active.id, bytes, Buffer.from(purpose)) as Buffer<ArrayBuffer>
}

function openWith(keys: DataKeys, envelope: Uint8Array, purpose: string): Buffer {
  const key = keys.byId.get(envelopeKeyId(envelope))
  if (key === undefined) throw new EnvelopeError('sealed with a data key that this process has not loaded')
  return openEnvelope(key, envelope, Buffer.from(purpose))
}

async function loadInstallation(database: DatabaseHandle, masterKey: string): Promise<Installation | null> {
  const [row] = await database.sql.query<{ epoch: string; pepper: Buffer }>(
    'SELECT epoch, pepper FROM installation WHERE id = 1',
  )
  if (row === undefined) return null
  const keys = await loadDataKeys(database, masterKey)
  return { epoch: row.epoch, pepper: openWith(keys, row.pepper, pepperPurpose), keys }
}

async function loadDataKeys(database: DatabaseHandle, masterKey: string): Promise<DataKeys> {
  const rows = await database.sql.query<{ id: number; wrapped: Buffer; derivation: string; is_active: number }>(
    'SELECT id, wrapped, derivation, is_active FROM data_keys ORDER BY id',
  )
  const byId = new Map<number, KeyObject>()
  let active: DataKeys['active'] | undefined
  for (const row of rows) {
    const key = await unwrapDataKey(masterKey, row.wrapped, row.derivation)
    byId.set(row.id, key)
    if (row.is_active === 1) active = { id: row.id, key }
  }
  if (active === undefined) throw new Error('the database has no active data key: it is incomplete')
  return { byId, active }
}

async function unwrapDataKey(masterKey: string, wrapped: Buffer, derivation: string): Promise<KeyObject> {
  const wrappingKey = await deriveWrappingKey(masterKey, parseDerivation(derivation))
  try {
    return createSecretKey(openEnvelope(wrappingKey, wrapped, dataKeyPurpose))
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error
    throw new WrongMasterKeyError(
      'ENCRYPTION_KEY is not the one that this database was set up with. Nothing was changed.\n    -> start with the former key',
    )
  }
}

async function createInstallation(database: DatabaseHandle, masterKey: string): Promise<void> {
  const derivation = newDerivation()
  const wrappingKey = await deriveWrappingKey(masterKey, derivation)
  const dataKey = randomBytes(32)
  const active = { id: 1, key: createSecretKey(dataKey) }
  const wrapped = sealEnvelope(wrappingKey, 0, dataKey, dataKeyPurpose)
  const pepper = sealWith(active, randomBytes(32), pepperPurpose)
  const now = Date.now()
  try {
    await database.write(async ({ sql }) => {
      await sql.execute('INSERT INTO installation (id, epoch, pepper, created_at) VALUES (1, ?, ?, ?)', [
        randomBytes(16).toString('hex'),
        pepper,
        now,
      ])
      await sql.execute(
        'INSERT INTO data_keys (id, wrapped, derivation, is_active, created_at) VALUES (1, ?, ?, ?, ?)',
        [wrapped, JSON.stringify(derivation), true, now],
      )
    })
  } catch (error) {
    // Another replica was first; what it wrote is what counts.
    if (faultOf(error) !== 'unique') throw error
  }
}
