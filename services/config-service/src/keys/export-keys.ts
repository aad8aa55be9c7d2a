import type { KeyExportLine } from '@gpt-load/contracts/api/task'
import type { KeyState } from '@gpt-load/contracts/key-state'
import { idCondition } from '@gpt-load/database/id-condition'
import { openProviderKey } from '@gpt-load/database/row-secrets'
import type { SqlRunner } from '@gpt-load/database/sql-runner'
import { setImmediate as turn } from 'node:timers/promises'
import { authorise } from '../authorise.ts'
import { requireStandardGroup, newestKeyId } from './insert-keys.ts'
import { commitChange } from '../truth/commit.ts'
import type { Verb, VerbContext, VerbInput } from '../verb.ts'
import { selectKeys, type SelectionRange } from './select-keys.ts'

/**
 * A group's keys as a download, a page of rows in memory at a time: what the client takes is what is read. In clear only after
 * the audit row of it is stored, whether the client takes all of it or not.
 */
const keysPerPage = 500

type Row = {
  id: number
  hint: string
  note: string
  weight: number
  state: KeyState
  hash: Uint8Array
  secret: Uint8Array
}

export const exportKeys: Verb<'exportKeys'> = async ({ ctx, input }) => {
  authorise(ctx, 'exportKeys')
  await requireStandardGroup(ctx.store.sql, input.params.id)
  return { value: null, stream: linesOf(ctx, await rangeOf(ctx, input), false) }
}

export const exportKeySecrets: Verb<'exportKeySecrets'> = async ({ ctx, input }) => {
  authorise(ctx, 'exportKeySecrets')
  await requireStandardGroup(ctx.store.sql, input.params.id)
  await noteExport(ctx, input)
  return { value: null, stream: linesOf(ctx, await rangeOf(ctx, input), true) }
}

/** Keys in clear without what belongs to them, a page at a time; an aggregate has none. */
export async function* exportKeyTexts(ctx: VerbContext, input: Scope): AsyncGenerator<string[]> {
  authorise(ctx, 'exportKeySecrets')
  await noteExport(ctx, input)
  for await (const rows of pagesOf(ctx, await rangeOf(ctx, input)))
    yield rows.map(({ hash, secret }) => openProviderKey(ctx.keyring, hash, secret))
}

type Scope = Pick<VerbInput<'exportKeys'>, 'params' | 'query'>

async function noteExport(ctx: VerbContext, { params, query }: Scope): Promise<void> {
  await commitChange({ ctx }, async (tx) => {
    tx.audit({ action: 'key.export', entity: 'group', entityId: params.id, detail: { ...query } })
  })
}

async function rangeOf({ store }: VerbContext, { params, query }: Scope): Promise<SelectionRange> {
  const upTo = await newestKeyId(store.sql)
  const { ids, ...filter } = query
  const selection = ids === undefined ? { filter } : { ids }
  return { groupId: params.id, selection, after: 0, upTo, limit: keysPerPage }
}

async function* linesOf(ctx: VerbContext, range: SelectionRange, isClear: boolean): AsyncGenerator<string> {
  for await (const rows of pagesOf(ctx, range))
    yield rows.map((row) => `${JSON.stringify(toLine(ctx, row, isClear))}\n`).join('')
}

async function* pagesOf({ store }: VerbContext, range: SelectionRange): AsyncGenerator<Row[]> {
  for (let after = 0, isLast = false; !isLast;) {
    const chunk = await selectKeys(store.sql, { ...range, after })
    const rows = await readRows(store.sql, chunk.ids)
    if (rows.length > 0) yield rows
    after = chunk.position
    isLast = chunk.isLast
    // On SQLite all of this may run without leaving the thread.
    await turn()
  }
}

function toLine({ keyring }: VerbContext, row: Row, isClear: boolean): KeyExportLine {
  const { id, hint, note, weight, state } = row
  const key = isClear ? { key: openProviderKey(keyring, row.hash, row.secret) } : {}
  return { id, hint, ...key, note, weight, state }
}

async function readRows(sql: SqlRunner, ids: readonly number[]): Promise<Row[]> {
  const { where, values } = idCondition('id', ids)
  return sql.query<Row>(
    `SELECT id, hint, note, weight, state, hash, secret FROM provider_keys WHERE ${where} ORDER BY id`,
    values,
  )
}
