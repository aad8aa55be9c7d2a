import type { WriteTransaction } from '@gpt-load/database/database-handle'
import { ApiProblem, type FieldProblem } from '../http/api-problem.ts'
import { lockRows } from '../lock-rows.ts'

/** The groups that an access key opens: all of them must be there when it is written. */
export type AccessKeyScope = { all_groups: boolean; group_ids: readonly number[]; default_group_id: number | null }

export async function requireGroups(tx: WriteTransaction, scope: AccessKeyScope): Promise<void> {
  const ids = [...new Set([...scope.group_ids, ...(scope.default_group_id === null ? [] : [scope.default_group_id])])]
  const found = new Set(await lockRows(tx.sql, 'groups', ids))
  const detail = 'there is no such group'
  const problems: FieldProblem[] = scope.group_ids.flatMap((id, index) =>
    found.has(id) ? [] : [{ pointer: `/group_ids/${index}`, detail }],
  )
  const { default_group_id: defaultId } = scope
  if (defaultId !== null && !found.has(defaultId)) problems.push({ pointer: '/default_group_id', detail })
  else if (defaultId !== null && !scope.all_groups && !scope.group_ids.includes(defaultId))
    problems.push({ pointer: '/default_group_id', detail: 'is not among the groups that the key opens' })
  if (problems.length > 0) throw new ApiProblem('validation_failed', 'Some groups do not fit.', { errors: problems })
}
