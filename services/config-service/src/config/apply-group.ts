import type { AggregateMemberInput } from '@gpt-load/contracts/api/aggregate-member'
import type { AggregateGroupConfig, GroupConfig } from '@gpt-load/contracts/config-file'
import { applyGroupChange, patchPointers, type GroupChange } from '../groups/change-group.ts'
import { insertGroup, type NewGroup } from '../groups/create-group.ts'
import { commitChange } from '../truth/commit.ts'
import type { ChangeContext } from '../verb.ts'
import type { Outcome } from './apply-outcome.ts'

/** One group of a file: created when no group has its name, else changed where it differs. */
export type ApplyGroupOptions = {
  group: GroupConfig
  /** Resolved, for an aggregate. */
  members?: readonly AggregateMemberInput[]
  managedBy: string
}

export async function applyGroup(
  ctx: ChangeContext,
  { group, members, managedBy }: ApplyGroupOptions,
): Promise<Outcome & { id: number }> {
  const change: GroupChange = { ...ownFields(group), ...(members && { members }), managed_by: managedBy }
  const { result, revision } = await commitChange(
    { ctx },
    async (tx): Promise<{ id: number; kind: Outcome['kind'] }> => {
      const row = await tx.database.group.findUnique({ where: { name: group.name }, select: { id: true } })
      if (row === null) return { id: await insertGroup(tx, ctx, toNewGroup(group, change)), kind: 'created' }
      const isChanged = await applyGroupChange(tx, ctx, {
        id: row.id,
        precondition: null,
        action: 'group.apply',
        pointer: patchPointers,
        patchOf: () => change,
      })
      return { id: row.id, kind: isChanged ? 'changed' : 'unchanged' }
    },
  )
  return { ...result, revision }
}

export function isAggregateConfig(group: GroupConfig): group is AggregateGroupConfig {
  return 'members' in group
}

function toNewGroup(group: GroupConfig, change: GroupChange): NewGroup {
  const kind = isAggregateConfig(group) ? 'aggregate' : 'standard'
  return { ...change, name: group.name, kind, channel: group.channel } as NewGroup
}

/** Without keys, which are a set of their own, and without members, which the file has by name. */
export function ownFields(group: GroupConfig): GroupChange {
  const {
    keys: _,
    keys_file: __,
    keys_managed: ___,
    members: ____,
    ...fields
  } = group as GroupConfig & Record<string, unknown>
  return fields as GroupChange
}
