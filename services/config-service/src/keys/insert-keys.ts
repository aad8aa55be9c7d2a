import type { KeyState } from '@gpt-load/contracts/key-state'
import { bulkInsert } from '@gpt-load/database/bulk-insert'
import type { Keyring } from '@gpt-load/database/keyring'
import { sealProviderKeys } from '@gpt-load/database/row-secrets'
import { placeholders, type SqlRunner } from '@gpt-load/database/sql-runner'
import { ApiProblem, notFound } from '../http/api-problem.ts'
import { countChanges, type KeyCountChanges } from './adjust-key-counts.ts'
import { causeText } from '../key-state/locked-keys.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { keyHint } from '@gpt-load/contracts/key-hint'
import type { KeyLine } from '@gpt-load/contracts/parse-keys-text'

/**
 * New keys, one chunk: hashed, told apart from those that the group has, sealed, inserted. The unique index (group, hash)
 * is what decides; the look-up before only spares the sealing and the write of what is there already, so that importing
 * the same file again costs reads and makes no revision.
 */
export type HashedKey = { key: string; hash: Uint8Array<ArrayBuffer> }
export type KeyRow = {
  hash: Uint8Array<ArrayBuffer>
  secret: Uint8Array<ArrayBuffer>
  hint: string
} & Pick<KeyLine, 'note' | 'weight' | 'state'>
export type InsertedKeys = { added: number; changes: KeyCountChanges }

export type KeyDefaults = { note: string; weight: number; managedBy: string | null }

const hashesPerQuery = 500
const sampledOneOf = 32

export async function hashKeys(keyring: Keyring, keys: readonly string[]): Promise<HashedKey[]> {
  const hashes = await keyring.hashTokens(keys)
  return keys.map((key, index) => ({ key, hash: hashes[index]! }))
}

/** Rows of those that are worth adding, each once: of several lines with one key the first counts. */
export async function newKeyRows(
  { keyring, store }: { keyring: Keyring; store: { sql: SqlRunner } },
  groupId: number,
  keys: readonly KeyLine[],
): Promise<KeyRow[]> {
  const lines = new Map(keys.toReversed().map((line) => [line.key, line]))
  const hashed = await hashKeys(keyring, [...new Set(keys.map(({ key }) => key))])
  const fresh = await withoutMostKnown(store.sql, groupId, hashed)
  const secrets = await sealProviderKeys(keyring, fresh)
  return fresh.map(({ key, hash }, index) => {
    const { note, weight, state } = lines.get(key) ?? {}
    return {
      hash,
      secret: secrets[index]!,
      hint: keyHint(key),
      ...(note !== undefined && { note }),
      ...(weight !== undefined && { weight }),
      ...(state && { state }),
    }
  })
}

/**
 * Those that are worth adding: without what the group holds, unless a sample finds it to hold none of them, as when a group is
 * filled for the first time. Looking each up costs as much as adding it.
 */
async function withoutMostKnown(
  sql: SqlRunner,
  groupId: number,
  keys: readonly HashedKey[],
): Promise<readonly HashedKey[]> {
  const sample = keys.filter((_, index) => index % sampledOneOf === 0)
  const unknown = await withoutKnown(sql, groupId, sample)
  return unknown.length === sample.length ? keys : withoutKnown(sql, groupId, keys)
}

/** Those whose hash the group does not hold yet. */
export async function withoutKnown(sql: SqlRunner, groupId: number, keys: readonly HashedKey[]): Promise<HashedKey[]> {
  const known = new Set<string>()
  for (let start = 0; start < keys.length; start += hashesPerQuery) {
    const some = keys.slice(start, start + hashesPerQuery).map(({ hash }) => hash)
    const rows = await sql.query<{ hash: Buffer }>(
      `SELECT hash FROM provider_keys WHERE group_id = ? AND hash IN (${placeholders(some.length)})`,
      [groupId, ...some],
    )
    for (const { hash } of rows) known.add(Buffer.from(hash).toString('base64'))
  }
  return keys.filter(({ hash }) => !known.has(Buffer.from(hash).toString('base64')))
}

/** Answers what was inserted; the others were added by somebody else meanwhile. */
export async function insertKeys(
  tx: ChangeTransaction,
  groupId: number,
  keys: readonly KeyRow[],
  defaults: KeyDefaults,
): Promise<InsertedKeys> {
  const newestBefore = await newestKeyId(tx.sql)
  const causeOfImport = causeText({ at: tx.nowMs, class: 'import' })
  const inserted = await bulkInsert(tx.sql, {
    table: 'provider_keys',
    columns: keyColumns,
    rows: keys.map(({ hash, secret, hint, note = defaults.note, weight = defaults.weight, state = 'active' }) => {
      const { managedBy } = defaults
      const cause = state === 'active' ? '' : causeOfImport
      return [groupId, hash, secret, hint, note, weight, state, 0, 0, 0, cause, 0, managedBy, 0, tx.nowMs, tx.nowMs]
    }),
    ignoreDuplicates: true,
  })
  if (inserted === 0) return { added: 0, changes: countChanges([]) }
  const rows = await tx.sql.query<{ id: number; state: KeyState }>(
    'SELECT id, state FROM provider_keys WHERE id > ? AND group_id = ?',
    [newestBefore, groupId],
  )
  tx.touch(
    'key',
    rows.map(({ id }) => id),
  )
  const hasInvalid = keys.some(({ state }) => state === 'invalid')
  const invalid = hasInvalid ? rows.filter(({ state }) => state === 'invalid').length : 0
  const changes = countChanges([
    [{ state: 'active', cause: '' }, inserted - invalid],
    [{ state: 'invalid', cause: causeOfImport }, invalid],
  ])
  return { added: inserted, changes }
}

const keyColumns = [
  'group_id',
  'hash',
  'secret',
  'hint',
  'note',
  'weight',
  'state',
  'until',
  'generation',
  'failures',
  'cause',
  'last_probe_at',
  'managed_by',
  'revision',
  'created_at',
  'updated_at',
]

/** Ids that are given out after this are higher, whoever commits first. */
export async function newestKeyId(sql: SqlRunner): Promise<number> {
  const [row] = await sql.query<{ id: number | null }>('SELECT MAX(id) AS id FROM provider_keys')
  return row?.id ?? 0
}

/** Keeps the group from being deleted while keys are added to it; there is no foreign key that would. */
export async function requireStandardGroup(sql: SqlRunner, id: number): Promise<void> {
  const lock = sql.dialect === 'mysql' ? ' LOCK IN SHARE MODE' : ''
  const groups = sql.dialect === 'mysql' ? '`groups`' : '"groups"'
  const [row] = await sql.query<{ kind: string }>(`SELECT kind FROM ${groups} WHERE id = ?${lock}`, [id])
  if (row === undefined) throw notFound('group')
  if (row.kind !== 'standard') throw new ApiProblem('conflict', 'An aggregate has no keys of its own.')
}
