import type { KeyExportContent, KeySelection, Task } from '@gpt-load/contracts/api/task'
import type { TaskKind, TaskState } from '@gpt-load/contracts/task-state'
import type { SqlRunner } from '@gpt-load/database/sql-runner'
import { notFound } from '../http/api-problem.ts'
import { toInstant, toOptionalInstant } from '../instant.ts'

/** Tasks as they lie in the database. Their parameters hold no secret: the keys of an import are apart, sealed. */
export const taskColumns =
  'id, kind, group_id, state, parameters, is_cancelled, position, end_position, total, succeeded, skipped, failed, ' +
  'problem_count, error, revision, fence, created_by, request_id, created_at, started_at, finished_at, output_until'

export type TaskRow = {
  id: number
  kind: TaskKind
  group_id: number
  state: TaskState
  parameters: string
  is_cancelled: number
  position: number
  end_position: number
  total: number | null
  succeeded: number
  skipped: number
  failed: number
  problem_count: number
  error: string
  revision: number
  fence: number
  created_by: string
  request_id: string
  created_at: number
  started_at: number
  finished_at: number
  output_until: number
}

export type ImportParameters = { note: string; weight: number }
export type SelectionParameters = { selection: KeySelection; to_group_id?: number; note?: string; until_ms?: number }

export type ExportParameters = { selection: KeySelection; content: KeyExportContent }

/** The keys came with the request that made the task. */
export type ListedParameters = { is_listed: true }

export function isOverInput({ parameters }: TaskRow): boolean {
  return 'is_listed' in (JSON.parse(parameters) as object)
}

export function importParametersOf({ parameters }: TaskRow): ImportParameters {
  return JSON.parse(parameters) as ImportParameters
}

export function exportParametersOf({ parameters }: TaskRow): ExportParameters {
  return JSON.parse(parameters) as ExportParameters
}

export function selectionParametersOf({ parameters }: TaskRow): SelectionParameters {
  return JSON.parse(parameters) as SelectionParameters
}

export async function findTask(sql: Pick<SqlRunner, 'query'>, id: number): Promise<TaskRow | undefined> {
  const [row] = await sql.query<TaskRow>(`SELECT ${taskColumns} FROM tasks WHERE id = ?`, [id])
  return row
}

export async function requireTask(sql: Pick<SqlRunner, 'query'>, id: number): Promise<TaskRow> {
  const row = await findTask(sql, id)
  if (row === undefined) throw notFound('task')
  return row
}

export function toTask(row: TaskRow): Task {
  const { id, kind, group_id, state, total, succeeded, skipped, failed, created_by } = row
  return {
    id,
    kind,
    group_id,
    to_group_id: kind === 'copy' || kind === 'move' ? (selectionParametersOf(row).to_group_id ?? null) : null,
    state,
    cancel_requested: row.is_cancelled === 1,
    total,
    processed: succeeded + skipped + failed,
    succeeded,
    skipped,
    failed,
    error: row.error === '' ? null : row.error,
    revision: row.revision === 0 ? null : row.revision,
    output_until: toOptionalInstant(row.output_until),
    created_by,
    created_at: toInstant(row.created_at),
    started_at: toOptionalInstant(row.started_at),
    finished_at: toOptionalInstant(row.finished_at),
  }
}
