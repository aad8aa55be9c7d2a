import type { ConfigChange, ConfigPlan, ConfigPlanInput } from '@gpt-load/contracts/api/config'
import { maxDeletedKeyShare } from '@gpt-load/contracts/api/config'
import type { GroupConfig } from '@gpt-load/contracts/config-file'
import { ApiProblem, type FieldProblem } from '../http/api-problem.ts'
import { readPosition } from '../truth/read-position.ts'
import type { ChangeContext } from '../verb.ts'
import { checkReferences } from './check-references.ts'
import { ConfigApplyError, withFieldNames } from './config-apply-error.ts'
import { planAccessKey, type GroupNames } from './plan-access-key.ts'
import { planDeletions, type Deletions } from './plan-deletions.ts'
import { planGroup, type PlannedGroup } from './plan-group.ts'
import { planSettings } from './plan-settings.ts'

/**
 * What applying a file would change, computed by the functions that apply it, in the order in which it is applied. Refused as
 * a whole, with every reason, when it touches what belongs to somebody else or deletes too many keys.
 */
export type FullPlan = ConfigPlan & { deletions: Deletions; groups: readonly PlannedGroup[] }

export async function planConfig(ctx: ChangeContext, input: ConfigPlanInput): Promise<FullPlan> {
  const { config, owner, prune } = input
  const position = await readPosition(ctx.store.sql)
  refuseDuplicates(input)
  await checkReferences(ctx, config)
  const settings = await withFieldNames('settings', () => planSettings(ctx, input))
  const groups = await inOrder(config.groups, (group, index) =>
    withFieldNames(`groups[${index}]`, () => planGroup(ctx, { group, owner, prune })),
  )
  const names = await groupNames(ctx, config.groups)
  const accessKeys = await inOrder(config.access_keys, (accessKey, index) =>
    withFieldNames(`access_keys[${index}]`, () => planAccessKey(ctx, { accessKey, owner, names })),
  )
  const matched = new Set(accessKeys.flatMap(({ row }) => row?.id ?? []))
  const deletions = await planDeletions(ctx, input, matched)
  refuseForeign(input, [
    ...settings.foreign,
    ...groups.flatMap(({ row }, index) => foreignOf(row, `groups[${index}]`, owner)),
    ...accessKeys.flatMap(({ row }, index) => foreignOf(row, `access_keys[${index}]`, owner)),
  ])
  const changes = [
    ...settings.changes,
    ...[...groups, ...accessKeys].flatMap(({ change }) => change ?? []),
    ...(prune ? deletions.changes : []),
  ]
  refuseMassDeletion(input, changes)
  return { ...position, owner, changes, unpruned: unprunedOf(input, groups, deletions), deletions, groups }
}

async function inOrder<In, Out>(items: readonly In[], plan: (item: In, index: number) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = []
  for (const [index, item] of items.entries()) results.push(await plan(item, index))
  return results
}

async function groupNames({ store }: ChangeContext, groups: readonly GroupConfig[]): Promise<GroupNames> {
  const rows = await store.database.group.findMany({ select: { id: true, name: true } })
  const idOf = new Map(rows.map(({ id, name }) => [name, id]))
  for (const [index, { name }] of groups.entries()) if (!idOf.has(name)) idOf.set(name, -1 - index)
  return { idOf, nameOf: new Map([...idOf].map(([name, id]) => [id, name])) }
}

function refuseDuplicates({ config }: ConfigPlanInput): void {
  const problems = [
    ...duplicatesIn(config.groups, 'groups', 'name', ({ name }) => name),
    ...duplicatesIn(config.access_keys, 'access_keys', 'name', ({ name }) => name),
    ...duplicatesIn(config.access_keys, 'access_keys', 'key', ({ key }) => key),
  ]
  if (problems.length > 0) throw new ConfigApplyError(problems)
}

function duplicatesIn<T>(items: readonly T[], list: string, field: string, valueOf: (item: T) => string): string[] {
  const seen = new Set<string>()
  const problems: string[] = []
  for (const [index, item] of items.entries()) {
    const value = valueOf(item)
    if (seen.has(value)) problems.push(`${list}[${index}].${field}: is that of an earlier entry`)
    seen.add(value)
  }
  return problems
}

export type Foreign = { place: string; owner: string | null }

export function foreignOf(row: { managed_by: string | null } | null, place: string, owner: string): Foreign[] {
  return row === null || row.managed_by === owner ? [] : [{ place, owner: row.managed_by }]
}

function refuseForeign({ adopt }: ConfigPlanInput, foreign: readonly Foreign[]): void {
  if (adopt || foreign.length === 0) return
  const errors = foreign.map(({ place, owner }): FieldProblem => {
    const detail = owner === null ? 'is there already and belongs to nobody' : `belongs to "${owner}"`
    return { pointer: pointerTo(place), detail }
  })
  throw new ApiProblem('conflict', 'The file names what another owner manages. With `adopt` it takes that over.', {
    errors,
  })
}

function refuseMassDeletion({ allow_mass_delete: isAllowed }: ConfigPlanInput, changes: readonly ConfigChange[]): void {
  const excessive = changes.filter(({ keys }) => keys !== null && keys.removed > keys.stored * maxDeletedKeyShare)
  if (isAllowed || excessive.length === 0) return
  const listed = excessive.map(({ name, keys }) => `"${name}" would lose ${keys?.removed} of ${keys?.stored} keys`)
  throw new ApiProblem(
    'conflict',
    `More than ${maxDeletedKeyShare * 100} % of the keys of a group go with \`allow_mass_delete\` only: ${listed.join('; ')}.`,
  )
}

function unprunedOf(
  { prune }: ConfigPlanInput,
  groups: readonly PlannedGroup[],
  deletions: Deletions,
): ConfigPlan['unpruned'] {
  if (prune) return []
  const keys = groups.flatMap(({ row, keys }) =>
    row === null || keys === null || keys.unpruned === 0
      ? []
      : [{ entity: 'keys' as const, name: row.name, count: keys.unpruned }],
  )
  return [...deletions.changes.map(({ entity, name }) => ({ entity, name, count: 1 })), ...keys]
}

/** Names of the file -> pointers into the request: `groups[0].upstreams[1].url` -> `/config/groups/0/upstreams/1/url`. */
export function pointerTo(place: string): string {
  return `/config/${place.replaceAll(/\[(\d+)\]/g, '/$1').replaceAll('.', '/')}`
}
