import { quoteName } from '@gpt-load/database/bulk-insert'
import type { SqlRunner } from '@gpt-load/database/sql-runner'
import type { ChangeKind } from './change-transaction.ts'
import { mergeSpans, type Span } from './id-ranges.ts'

/** What was touched after a revision, read from the change log. */
export type Touch = Span & { revision: number; kind: ChangeKind }
export type Touched = Record<ChangeKind, Span[]>

/** More rows than this are not worth a delta: a base is taken instead (its builder keeps well below, see base-builder). */
export const maxTouchRows = 200_000

/**
 * Touches in (since, to], by revision; null when the log does not reach back to `since` (every revision has at least one
 * row, so the first one after `since` must be there).
 */
export async function readTouches(sql: SqlRunner, since: number, to: number): Promise<Touch[] | null> {
  if (since === to) return []
  const touches = await sql.query<Touch>(
    `SELECT revision, kind, id_from AS ${quoteName(sql, 'from')}, id_to AS ${quoteName(sql, 'to')} ` +
      'FROM change_log WHERE revision > ? AND revision <= ? ORDER BY revision, ordinal LIMIT ?',
    [since, to, maxTouchRows + 1],
  )
  if (touches[0]?.revision !== since + 1 || touches.length > maxTouchRows) return null
  return touches
}

export function touchedIn(touches: readonly Touch[], since: number, to: number): Touched {
  const byKind = Map.groupBy(
    touches.filter(({ revision }) => revision > since && revision <= to),
    ({ kind }) => kind,
  )
  const spans = (kind: ChangeKind) => mergeSpans(byKind.get(kind) ?? [])
  return {
    setting: spans('setting'),
    group: spans('group'),
    access_key: spans('access_key'),
    key: spans('key'),
    key_state: spans('key_state'),
    key_model: spans('key_model'),
  }
}
