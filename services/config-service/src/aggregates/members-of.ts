import type { AggregateMemberInput } from '@gpt-load/contracts/api/aggregate-member'
import type { GroupRow } from '../groups/load-groups.ts'

/** The members of a stored aggregate as a list that can be edited and written back. */
export function membersOf(row: Pick<GroupRow, 'members'>): AggregateMemberInput[] {
  return row.members.map(({ member_id, weight }) => ({ group_id: member_id, weight }))
}
