import { bulkUpdate } from '@gpt-load/database/bulk-update'
import { quoteName } from '@gpt-load/database/bulk-insert'
import { EnvelopeError, envelopeKeyId } from '@gpt-load/database/envelope'
import { pepperPurpose, type Keyring } from '@gpt-load/database/keyring'
import {
  openGroupSettings,
  openHeaderRules,
  openProviderKey,
  openSettingValue,
  openUpstreamUrl,
  sealGroupSettings,
  sealHeaderRules,
  sealProviderKey,
  sealSettingValue,
  sealUpstreamUrl,
} from '@gpt-load/database/row-secrets'
import type { SqlRunner, SqlValue } from '@gpt-load/database/sql-runner'
import type { GroupState, SettingState } from '../policy/policy-state.ts'
import { contentKeyPurpose } from '../truth/base-builder.ts'

/**
 * Opens secrets and seals them with the data key that is active now, a chunk of rows per transaction, rows locked in id order.
 * Nothing of it is a change that edges see. What lives for a day or shorter (answers kept for idempotency, the input and the output
 * of a task) is left to end: its data key stays until the next rotation.
 */
export type ResealStep = (sql: SqlRunner, keyring: Keyring, after: number) => Promise<Resealed>
export type Resealed = {
  resealed: number
  failed: number
  /** Last id that was looked at; null = the step is done. */
  position: number | null
}

/** Within 50 ms on SQLite. */
const rowsPerChunk = { mysql: 1_000, sqlite: 400 } as const

export const resealSteps: readonly ResealStep[] = [
  rows({
    table: 'provider_keys',
    columns: ['secret'],
    others: ['hash'],
    isDone: (row, keyring) => envelopeKeyId(row.secret as Uint8Array) === keyring.activeKeyId,
    reseal: (row, keyring) => {
      const hash = row.hash as Uint8Array
      return [sealProviderKey(keyring, hash, openProviderKey(keyring, hash, row.secret as Uint8Array))]
    },
  }),
  rows({
    table: 'groups',
    columns: ['header_rules', 'settings'],
    reseal: (row, keyring) => [
      sealHeaderRules(keyring, openHeaderRules(keyring, String(row.header_rules))),
      sealGroupSettings(keyring, openGroupSettings(keyring, String(row.settings))),
    ],
  }),
  rows({
    table: 'upstreams',
    columns: ['url'],
    reseal: (row, keyring) => [sealUpstreamUrl(keyring, openUpstreamUrl(keyring, String(row.url)))],
  }),
  rows({
    table: 'policy_history',
    columns: ['state'],
    others: ['entity'],
    isDone: ({ state }) => state === '',
    reseal: ({ entity, state }, keyring) => [resealPolicy(keyring, String(entity), String(state))],
  }),
  resealSettings,
  resealBases,
  resealPepper,
]

/** What was remembered of a policy. */
function resealPolicy(keyring: Keyring, entity: string, text: string): string {
  if (entity === 'setting')
    return JSON.stringify(
      (JSON.parse(text) as SettingState[]).map((setting) => ({
        ...setting,
        value: sealSettingValue(keyring, setting.name, openSettingValue(keyring, setting.name, setting.value)),
      })),
    )
  if (entity !== 'group') return text
  const group = JSON.parse(text) as GroupState
  return JSON.stringify({
    ...group,
    header_rules: sealHeaderRules(keyring, openHeaderRules(keyring, String(group.header_rules))),
    settings: sealGroupSettings(keyring, openGroupSettings(keyring, String(group.settings))),
    upstreams: group.upstreams.map((one) => ({
      ...one,
      url: sealUpstreamUrl(keyring, openUpstreamUrl(keyring, one.url)),
    })),
  })
}

type SecretRow = { id: number } & Record<string, unknown>
type RowSecrets = {
  table: string
  columns: readonly string[]
  others?: readonly string[]
  isDone?: (row: SecretRow, keyring: Keyring) => boolean
  reseal: (row: SecretRow, keyring: Keyring) => SqlValue[]
}

function rows({ table, columns, others = [], isDone = () => false, reseal }: RowSecrets): ResealStep {
  return async (sql, keyring, after) => {
    const limit = rowsPerChunk[sql.dialect]
    const lock = sql.dialect === 'mysql' ? ' FOR UPDATE' : ''
    const found = await sql.query<SecretRow>(
      `SELECT id, ${[...columns, ...others].join(', ')} FROM ${quoteName(sql, table)}
       WHERE id > ? ORDER BY id LIMIT ${limit}${lock}`,
      [after],
    )
    const todo = found.filter((row) => !isDone(row, keyring))
    const changed = todo.flatMap((row) => {
      const values = unlessDamaged(() => reseal(row, keyring))
      return values === null ? [] : [[row.id, ...values]]
    })
    await bulkUpdate(sql, { table, keys: ['id'], columns, rows: changed })
    const position = found.length < limit ? null : (found.at(-1)?.id ?? null)
    return { resealed: changed.length, failed: todo.length - changed.length, position }
  }
}

async function resealSettings(sql: SqlRunner, keyring: Keyring): Promise<Resealed> {
  const lock = sql.dialect === 'mysql' ? ' FOR UPDATE' : ''
  const stored = await sql.query<{ name: string; value: string }>(
    `SELECT name, value FROM settings ORDER BY name${lock}`,
  )
  const outcomes = []
  for (const { name, value } of stored) {
    const text = unlessDamaged(() => sealSettingValue(keyring, name, openSettingValue(keyring, name, value)))
    outcomes.push(text)
    if (text !== null) await sql.execute('UPDATE settings SET value = ? WHERE name = ?', [text, name])
  }
  return countsOf(outcomes)
}

async function resealBases(sql: SqlRunner, keyring: Keyring): Promise<Resealed> {
  const bases = await sql.query<{ epoch: string; revision: number; content_key: Uint8Array }>(
    'SELECT epoch, revision, content_key FROM snapshot_bases',
  )
  const outcomes = []
  for (const base of bases) {
    const purpose = contentKeyPurpose(base)
    const sealed = unlessDamaged(() => keyring.seal(keyring.open(base.content_key, purpose), purpose))
    outcomes.push(sealed)
    if (sealed === null) continue
    await sql.execute('UPDATE snapshot_bases SET content_key = ? WHERE epoch = ? AND revision = ?', [
      sealed,
      base.epoch,
      base.revision,
    ])
  }
  return countsOf(outcomes)
}

async function resealPepper(sql: SqlRunner, keyring: Keyring): Promise<Resealed> {
  await sql.execute('UPDATE installation SET pepper = ? WHERE id = 1', [keyring.seal(keyring.pepper, pepperPurpose)])
  return { resealed: 1, failed: 0, position: null }
}

function countsOf(outcomes: readonly unknown[]): Resealed {
  const failed = outcomes.filter((outcome) => outcome === null).length
  return { resealed: outcomes.length - failed, failed, position: null }
}

/** Null when it does not open: what is damaged stays as it is and is counted. */
function unlessDamaged<T>(work: () => T): T | null {
  try {
    return work()
  } catch (error) {
    if (error instanceof EnvelopeError) return null
    throw error
  }
}
