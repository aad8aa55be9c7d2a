import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import { unwrapDataKey, wrapDataKey, WrongMasterKeyError, type WrappedDataKey, type WrappedKey } from './data-key.ts'
import { faultOf } from './database-errors.ts'
import type { DatabaseHandle } from './database-handle.ts'
import { EnvelopeError, envelopeKeyId, openEnvelope, sealEnvelope } from './envelope.ts'
import { minMasterKeyLength, type MasterKeys } from './master-key.ts'
import { createRecentTexts } from './recent-texts.ts'
import { hashToken, resultsOf, type SealingMaterial } from './seal-many.ts'
import { createSealingThread } from './sealing-thread-client.ts'
import type { SqlRunner, SqlValue } from './sql-runner.ts'

/**
 * Envelope encryption of everything secret in the database: ENCRYPTION_KEY wraps data keys, data keys seal values. The
 * installation's pepper is one of those values; it goes into the hashes of access keys and provider keys and never changes.
 * A wrong ENCRYPTION_KEY is refused before anything is written.
 */
export interface Keyring {
  readonly epoch: string
  readonly pepper: Uint8Array
  /** `purpose` is bound to the value (associated data): it opens under the same purpose only. */
  seal(plaintext: string | Uint8Array, purpose: string): Uint8Array<ArrayBuffer>
  open(envelope: Uint8Array, purpose: string): Buffer
  /** `open` of a text; one that this process has just sealed among many is remembered until it is asked for. */
  openText(envelope: Uint8Array, purpose: string): string
  /** One purpose for each text. By the thousand in a thread of their own, as `hashTokens`. */
  sealTexts(texts: readonly string[], purposes: readonly string[]): Promise<Uint8Array<ArrayBuffer>[]>
  /** SHA-256(pepper || token): how access keys and provider keys are looked up and compared. */
  hashToken(token: string): Uint8Array<ArrayBuffer>
  hashTokens(tokens: readonly string[]): Promise<Uint8Array<ArrayBuffer>[]>
  /** Data key that values are sealed with now. */
  readonly activeKeyId: number
  /** A data key is wrapped by the former ENCRYPTION_KEY alone: it cannot be taken away yet. */
  readonly needsFormerKey: boolean
  /** Reads the installation's row and data keys again: after a rotation or a new epoch by another replica. */
  reload(): Promise<void>
  /**
   * A new data key, and all of them wrapped by ENCRYPTION_KEY, by the former one too where it is known. Nobody seals with the new
   * one yet. What it answers stores them, in the caller's transaction.
   */
  prepareDataKey(): Promise<(sql: SqlRunner, nowMs: number) => Promise<number>>
}

type DataKeys = {
  byId: ReadonlyMap<number, KeyObject>
  active: { id: number; key: KeyObject }
  needsFormerKey: boolean
  /** The rows that they were read from. */
  stored: string
}

type Installation = { epoch: string; pepper: Buffer; keys: DataKeys }

export const pepperPurpose = 'installation.pepper'

/** Makes the installation (epoch, pepper, first data key) when there is none: once, however many replicas start. */
export async function openKeyring(options: { database: DatabaseHandle } & MasterKeys): Promise<Keyring> {
  const { database, masterKey } = options
  if (masterKey.length < minMasterKeyLength)
    throw new WrongMasterKeyError(
      `ENCRYPTION_KEY must have at least ${minMasterKeyLength} characters\n    -> make a good one with: openssl rand -hex 32`,
    )
  let installation = await loadInstallation(database, options)
  if (installation === null) {
    await createInstallation(database, masterKey)
    installation = await loadInstallation(database, options)
  }
  if (installation === null) throw new Error('the installation row is missing right after it was written')
  return createKeyring(database, options, installation)
}

function createKeyring(database: DatabaseHandle, masters: MasterKeys, first: Installation): Keyring {
  let current = first
  const inThread = createSealingThread()
  const recentTexts = createRecentTexts()
  const material = (): SealingMaterial => {
    const { pepper, keys } = current
    // A message copies the whole memory that lies under a view.
    return { pepper: new Uint8Array(pepper), keyId: keys.active.id, key: keys.active.key }
  }
  return {
    get epoch() {
      return current.epoch
    },
    get pepper() {
      return current.pepper
    },
    seal: (plaintext, purpose) => sealWith(current.keys.active, plaintext, purpose),
    open: (envelope, purpose) => openWith(current.keys, envelope, purpose),
    openText: (envelope, purpose) =>
      recentTexts.take(envelope, purpose) ?? openWith(current.keys, envelope, purpose).toString('utf8'),
    async sealTexts(texts, purposes) {
      const sealed = resultsOf(await inThread(material(), { kind: 'seal', texts, purposes }))
      recentTexts.add(sealed, purposes, texts)
      return sealed
    },
    hashToken: (token) => hashToken(current.pepper, token),
    hashTokens: async (tokens) => resultsOf(await inThread(material(), { kind: 'hash', texts: tokens })),
    get activeKeyId() {
      return current.keys.active.id
    },
    get needsFormerKey() {
      return current.keys.needsFormerKey
    },
    async reload() {
      current = (await loadInstallation(database, masters, current)) ?? current
    },
    prepareDataKey: () => prepareDataKey(masters, current.keys),
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

async function loadInstallation(
  database: DatabaseHandle,
  masters: MasterKeys,
  known?: Installation,
): Promise<Installation | null> {
  const [row] = await database.sql.query<{ epoch: string; pepper: Buffer }>(
    'SELECT epoch, pepper FROM installation WHERE id = 1',
  )
  if (row === undefined) return null
  const keys = await loadDataKeys(database, masters, known?.epoch === row.epoch ? known.keys : undefined)
  return { epoch: row.epoch, pepper: openWith(keys, row.pepper, pepperPurpose), keys }
}

async function loadDataKeys(database: DatabaseHandle, masters: MasterKeys, known?: DataKeys): Promise<DataKeys> {
  const rows = await database.sql.query<WrappedDataKey & { is_active: number }>(
    'SELECT id, wrapped, derivation, wrapped_previous, derivation_previous, is_active FROM data_keys ORDER BY id',
  )
  const stored = JSON.stringify(rows)
  if (stored === known?.stored) return known
  const byId = new Map<number, KeyObject>()
  let active: DataKeys['active'] | undefined
  let needsFormerKey = false
  for (const row of rows) {
    const unwrapped = await unwrapDataKey(masters, row, known?.byId.get(row.id))
    const { key } = unwrapped
    needsFormerKey ||= unwrapped.needsFormerKey
    byId.set(row.id, key)
    if (row.is_active === 1) active = { id: row.id, key }
  }
  if (active === undefined) throw new Error('the database has no active data key: it is incomplete')
  return { byId, active, needsFormerKey, stored }
}

async function createInstallation(database: DatabaseHandle, masterKey: string): Promise<void> {
  const active = { id: 1, key: newDataKey() }
  const { wrapped, derivation } = await wrapDataKey(masterKey, active.key)
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
        [wrapped, derivation, true, now],
      )
    })
  } catch (error) {
    // Another replica was first; what it wrote is what counts.
    if (faultOf(error) !== 'unique') throw error
  }
}

const newDataKey = (): KeyObject => createSecretKey(randomBytes(32))

async function prepareDataKey(masters: MasterKeys, { byId }: DataKeys): ReturnType<Keyring['prepareDataKey']> {
  const added = newDataKey()
  const wrapAll = async (key: KeyObject) => ({
    now: await wrapDataKey(masters.masterKey, key),
    former: masters.former === undefined ? null : await wrapDataKey(masters.former, key),
  })
  const known = await Promise.all([...byId].map(async ([id, key]) => ({ id, ...(await wrapAll(key)) })))
  const { now, former } = await wrapAll(added)
  return async (sql, nowMs) => {
    for (const one of known)
      await sql.execute(
        'UPDATE data_keys SET wrapped = ?, derivation = ?, wrapped_previous = ?, derivation_previous = ? WHERE id = ?',
        [...columnsOf(one), one.id],
      )
    const [row] = await sql.query<{ id: number }>('SELECT MAX(id) + 1 AS id FROM data_keys')
    const id = Number(row?.id ?? 1)
    await sql.execute(
      `INSERT INTO data_keys (id, wrapped, derivation, wrapped_previous, derivation_previous, is_active, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      [id, ...columnsOf({ now, former }), false, nowMs],
    )
    return id
  }
}

type Wraps = { now: WrappedKey; former: WrappedKey | null }

function columnsOf({ now, former }: Wraps): SqlValue[] {
  return [now.wrapped, now.derivation, former?.wrapped ?? null, former?.derivation ?? null]
}
