import type { AggregateMemberInput } from '@gpt-load/contracts/api/aggregate-member'
import { ApiProblem, type FieldProblem } from '../http/api-problem.ts'
import type { WriteTransaction } from '@gpt-load/database/database-handle'

/**
 * Makes an aggregate's members those of the list, in its order. Members are standard groups of the aggregate's channel;
 * their validation endpoints may differ (only live paths matter). The caller has locked the rows of all of them.
 */
export type StoredMember = { member_id: number; weight: number; position: number }

export async function syncMembers(
  { database }: Pick<WriteTransaction, 'database'>,
  change: {
    group: { id: number; kind: string; channel: string }
    stored: readonly StoredMember[]
    inputs: readonly AggregateMemberInput[]
    /** Pointer of the member at an index of the list. */
    pointerOf(index: number): string
  },
): Promise<boolean> {
  const { group, stored, inputs } = change
  if (group.kind !== 'aggregate') throw new ApiProblem('conflict', 'This group is not an aggregate: it has no members.')
  if (isSameList(stored, inputs)) return false
  const problems = await memberProblems(database, change)
  if (problems.length > 0) throw new ApiProblem('validation_failed', 'Some members do not fit.', { errors: problems })
  await database.aggregateMember.deleteMany({ where: { group_id: group.id } })
  const rows = inputs.map(({ group_id, weight }, position) => ({
    group_id: group.id,
    member_id: group_id,
    weight,
    position,
  }))
  if (rows.length > 0) await database.aggregateMember.createMany({ data: rows })
  return true
}

async function memberProblems(
  database: WriteTransaction['database'],
  { group, inputs, pointerOf }: Parameters<typeof syncMembers>[1],
): Promise<FieldProblem[]> {
  const ids = inputs.map(({ group_id }) => group_id)
  const found = await database.group.findMany({
    where: { id: { in: ids } },
    select: { id: true, kind: true, channel: true },
  })
  const byId = new Map(found.map((row) => [row.id, row]))
  return inputs.flatMap(({ group_id }, index) => {
    const detail = memberProblem(byId.get(group_id), group)
    return detail === null ? [] : [{ pointer: pointerOf(index), detail }]
  })
}

function memberProblem(
  member: { kind: string; channel: string } | undefined,
  aggregate: { channel: string },
): string | null {
  if (member === undefined) return 'there is no such group'
  if (member.kind !== 'standard') return 'is an aggregate itself: members are standard groups'
  if (member.channel !== aggregate.channel)
    return `is of channel ${member.channel}, the aggregate of ${aggregate.channel}`
  return null
}

function isSameList(stored: readonly StoredMember[], inputs: readonly AggregateMemberInput[]): boolean {
  if (stored.length !== inputs.length) return false
  return stored.every(({ member_id, weight }, index) => {
    return member_id === inputs[index]?.group_id && weight === inputs[index].weight
  })
}
