import type { ConfigChange, FieldChange } from '@gpt-load/contracts/api/config'
import type { AggregateGroupConfig, GroupConfig, StandardGroupConfig } from '@gpt-load/contracts/config-file'
import { openUpstreamUrl } from '@gpt-load/database/row-secrets'
import { groupFieldsOf, newGroupFields, patchGroupFields } from '../groups/group-fields.ts'
import { groupParts, type GroupRow } from '../groups/load-groups.ts'
import { wrongField } from '../http/api-problem.ts'
import { forbiddenHostProblem } from '../upstreams/check-upstream-url.ts'
import type { ChangeContext } from '../verb.ts'
import { isAggregateConfig, ownFields } from './apply-group.ts'
import { createFingerprint, groupFieldChanges, isDifferent, shownUrl, type Fingerprint } from './plan-field-changes.ts'
import { planKeys, type PlannedKeys } from './plan-keys.ts'

/** What applying one group of a file would change, by the same functions that apply it. */
export type PlannedGroup = {
  row: GroupRow | null
  /** null when nothing would change. */
  change: ConfigChange | null
  /** null for an aggregate. */
  keys: PlannedKeys | null
}

export async function planGroup(
  ctx: ChangeContext,
  { group, owner, prune }: { group: GroupConfig; owner: string; prune: boolean },
): Promise<PlannedGroup> {
  const fingerprint = createFingerprint(ctx.keyring)
  const row = await ctx.store.database.group.findUnique({ where: { name: group.name }, include: groupParts })
  const kind = isAggregateConfig(group) ? 'aggregate' : 'standard'
  const before = row === null ? newGroupFields({ ...group, kind }) : groupFieldsOf(row, ctx.keyring)
  const after = patchGroupFields(before, { ...ownFields(group), managed_by: owner })
  const fields = [
    ...groupFieldChanges(before, after, { isNew: row === null, fingerprint }),
    ...(isAggregateConfig(group) ? memberChanges(row, group) : upstreamChanges(ctx, row, group, fingerprint)),
  ]
  const keys = isAggregateConfig(group) ? null : await planKeys(ctx, { group, groupId: row?.id ?? null, prune })
  const hasKeyChange = keys !== null && keys.change.added + keys.change.removed > 0
  if (row !== null && fields.length === 0 && !hasKeyChange) return { row, change: null, keys }
  const change = {
    action: row === null ? ('create' as const) : ('update' as const),
    entity: 'group' as const,
    name: group.name,
    fields,
    keys: hasKeyChange ? keys.change : null,
  }
  return { row, change, keys }
}

function upstreamChanges(
  { keyring, upstreamPolicy }: ChangeContext,
  row: GroupRow | null,
  { upstreams }: StandardGroupConfig,
  fingerprint: Fingerprint,
): FieldChange[] {
  for (const [index, { url }] of upstreams.entries()) {
    const problem = forbiddenHostProblem(url, upstreamPolicy.allowPrivateAddresses)
    if (problem !== null) throw wrongField(`/upstreams/${index}/url`, problem)
  }
  const stored = (row?.upstreams ?? []).map(({ url, weight }) => ({ url: openUpstreamUrl(keyring, url), weight }))
  const show = ({ url, weight }: { url: string; weight: number }) => `${shownUrl(url, fingerprint)} weight ${weight}`
  return listChange('upstreams', row === null ? null : stored.map(show), upstreams.map(show))
}

function memberChanges(row: GroupRow | null, { members }: AggregateGroupConfig): FieldChange[] {
  const stored = row?.members.map(({ member, weight }) => `${member.name} weight ${weight}`) ?? null
  return listChange(
    'members',
    stored,
    members.map(({ group, weight }) => `${group} weight ${weight}`),
  )
}

function listChange(field: string, before: string[] | null, after: string[]): FieldChange[] {
  return isDifferent(before, after) ? [{ field, before, after }] : []
}
