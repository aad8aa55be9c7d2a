import type { KeyExportContent } from '@gpt-load/contracts/api/task'
import { openProviderKey } from '@gpt-load/database/row-secrets'
import { setImmediate as turn } from 'node:timers/promises'
import { authorise } from '../authorise.ts'
import { exportLineOf, readExportRows, type ExportRow } from './export-row.ts'
import { requireStandardGroup, newestKeyId } from './insert-keys.ts'
import { commitChange } from '../truth/commit.ts'
import type { Verb, VerbContext, VerbInput } from '../verb.ts'
import { selectKeys, type SelectionRange } from './select-keys.ts'

/**
 * A group's keys as a download, a page of rows in memory at a time: what the client takes is what is read. In clear only after
 * the audit row of it is stored, whether the client takes all of it or not.
 */
const keysPerPage = 500

export const exportKeys: Verb<'exportKeys'> = async ({ ctx, input }) => {
  authorise(ctx, 'exportKeys')
  await requireStandardGroup(ctx.store.sql, input.params.id)
  return { value: null, stream: linesOf(ctx, await rangeOf(ctx, input), 'masked') }
}

export const exportKeySecrets: Verb<'exportKeySecrets'> = async ({ ctx, input }) => {
  authorise(ctx, 'exportKeySecrets')
  await requireStandardGroup(ctx.store.sql, input.params.id)
  await noteExport(ctx, input)
  return { value: null, stream: linesOf(ctx, await rangeOf(ctx, input), 'clear') }
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

async function* linesOf(ctx: VerbContext, range: SelectionRange, content: KeyExportContent): AsyncGenerator<string> {
  for await (const rows of pagesOf(ctx, range))
    yield rows.map((row) => exportLineOf(ctx.keyring, row, content)).join('')
}

async function* pagesOf({ store }: VerbContext, range: SelectionRange): AsyncGenerator<ExportRow[]> {
  for (let after = 0, isLast = false; !isLast;) {
    const chunk = await selectKeys(store.sql, { ...range, after })
    const rows = await readExportRows(store.sql, chunk.ids)
    if (rows.length > 0) yield rows
    after = chunk.position
    isLast = chunk.isLast
    // On SQLite all of this may run without leaving the thread.
    await turn()
  }
}
