import type { AccessKeyCreate } from '@gpt-load/contracts/api/access-key'
import type { ChannelType } from '@gpt-load/contracts/channel-types'
import type { Settings } from '@gpt-load/contracts/settings'
import { waitForLease } from '@gpt-load/database/lease'
import { insertAccessKey, tokenTakenAsProblem } from '../access-keys/create-access-key.ts'
import { insertGroup, type NewGroup } from '../groups/create-group.ts'
import { removeGroup } from '../groups/delete-group.ts'
import { ApiProblem } from '../http/api-problem.ts'
import { importKeys } from '../keys/import-keys.ts'
import type { KeyLine } from '@gpt-load/contracts/parse-keys-text'
import { applySettings } from '../settings/update-settings.ts'
import { commitChange } from '../truth/commit.ts'
import type { ChangeContext } from '../verb.ts'
import { countNewKeys } from './count-new-keys.ts'
import { findUnusedSeed } from './unused-seed.ts'

/**
 * Takes over another installation: what is missing here is created, what is there already is left as it is, whoever made
 * it, but for a group that only a first start has made. So running it again changes nothing, and after a crash it completes what is left: each group is one transaction, keys
 * follow in chunks, access keys come last. A dry run reads the same and writes nothing.
 */
export type InstallationImport = {
  /** Aggregates after their members. */
  groups: readonly ImportedGroup[]
  accessKeys: readonly ImportedAccessKey[]
  settings: Partial<Settings>
}

export type ImportedGroup = Omit<NewGroup, 'members'> & {
  /** In the other installation; kept when there is no group here yet. */
  id: number
  members: readonly { id: number; weight: number }[]
  keys(): AsyncIterable<KeyLine>
}

export type ImportedAccessKey = Pick<AccessKeyCreate, 'name' | 'all_groups'> & {
  token: string
  /** In the other installation. */
  groupIds: readonly number[]
}

export type Tally = { created: number; present: number }
export type ImportReport = {
  groups: Tally
  keys: Tally & { malformed: number }
  accessKeys: Tally
  settings: Tally
  /** The group of the first start was there, unused; it has given way. */
  isSeedRemoved: boolean
  /** Groups that have another id here. */
  renumbered: { name: string; from: number; to: number }[]
  /** What was left out, and why. */
  problems: string[]
}

/** `to` is null in a dry run of a group that is not there yet. */
type Target = { to: number | null }
type Import = {
  ctx: ChangeContext
  isDryRun: boolean
  report: ImportReport
  targets: Map<number, Target>
  /** The unused group of the first start, which a dry run takes for gone. */
  seedId: number | null
}

const leaseTtlMs = 30_000

export async function importInstallation(
  ctx: ChangeContext,
  source: InstallationImport,
  { isDryRun }: { isDryRun: boolean },
): Promise<ImportReport> {
  const run: Import = { ctx, isDryRun, report: emptyReport(), targets: new Map(), seedId: null }
  if (isDryRun) await importAll(run, source)
  else await waitForLease(ctx.store, 'apply-config', { ttlMs: leaseTtlMs }, () => importAll(run, source))
  return run.report
}

function emptyReport(): ImportReport {
  const tally = (): Tally => ({ created: 0, present: 0 })
  const keys = { ...tally(), malformed: 0 }
  return {
    groups: tally(),
    keys,
    accessKeys: tally(),
    settings: tally(),
    isSeedRemoved: false,
    renumbered: [],
    problems: [],
  }
}

async function importAll(run: Import, source: InstallationImport): Promise<void> {
  await makeWay(run, source)
  const isEmpty = (await run.ctx.store.database.group.count()) === (run.seedId === null ? 0 : 1)
  await importSettings(run, source.settings)
  for (const group of source.groups) await importGroup(run, group, isEmpty)
  for (const accessKey of source.accessKeys) await importAccessKey(run, accessKey)
}

async function makeWay(run: Import, { groups }: InstallationImport): Promise<void> {
  const { ctx, isDryRun, report } = run
  const id = groups.length === 0 ? null : await findUnusedSeed(ctx)
  if (id === null) return
  report.isSeedRemoved = true
  if (isDryRun) run.seedId = id
  else await commitChange({ ctx }, (tx) => removeGroup(tx, { params: { id }, precondition: null }))
}

async function importSettings({ ctx, isDryRun, report }: Import, settings: Partial<Settings>): Promise<void> {
  const rows = await ctx.store.database.setting.findMany({ select: { name: true } })
  const stored = new Set(rows.map(({ name }) => name))
  const missing = Object.entries(settings).filter(([name]) => !stored.has(name))
  report.settings = { created: missing.length, present: Object.keys(settings).length - missing.length }
  if (isDryRun || missing.length === 0) return
  const patch = Object.fromEntries(missing)
  await commitChange({ ctx }, (tx) =>
    applySettings(tx, ctx, { patch, source: 'database', managedBy: null, precondition: null }),
  )
}

async function importGroup(run: Import, group: ImportedGroup, isEmpty: boolean): Promise<void> {
  const { ctx, report, targets } = run
  const { name, kind, channel } = group
  const known = await ctx.store.database.group.findFirst({
    where: { name, ...(run.seedId !== null && { id: { not: run.seedId } }) },
    select: { id: true, kind: true, channel: true },
  })
  if (known !== null && (known.kind !== kind || known.channel !== channel))
    return void report.problems.push(
      `group "${name}": there is a group of this name already, of another kind or channel; it and its keys are left out`,
    )
  const to = known?.id ?? (await createGroup(run, group, isEmpty))
  if (to === undefined) return
  targets.set(group.id, { to })
  report.groups[known === null ? 'created' : 'present'] += 1
  if (to !== null && to !== group.id) report.renumbered.push({ name, from: group.id, to })
  if (kind === 'standard') await importGroupKeys(run, group, to)
}

/** undefined when it does not fit; the report says why. */
async function createGroup(run: Import, group: ImportedGroup, isEmpty: boolean): Promise<number | null | undefined> {
  const { ctx, isDryRun, report, targets } = run
  if (isDryRun) return null
  const { id, keys: _, members, ...fields } = group
  const found = members.flatMap(({ id: memberId, weight }) => {
    const to = targets.get(memberId)?.to
    return to === null || to === undefined ? [] : [{ group_id: to, weight }]
  })
  if (found.length < members.length)
    report.problems.push(`group "${group.name}": a member that was left out is missing in it`)
  const body = {
    ...fields,
    channel: group.channel as ChannelType,
    ...(group.kind === 'aggregate' && { members: found }),
  }
  try {
    const { result } = await commitChange({ ctx }, (tx) =>
      insertGroup(tx, ctx, { ...body, ...(isEmpty && { id }) } as NewGroup),
    )
    return result
  } catch (error) {
    report.problems.push(`group "${group.name}", left out with its keys: ${refusal(error)}`)
    return undefined
  }
}

async function importGroupKeys(
  { ctx, isDryRun, report }: Import,
  group: ImportedGroup,
  to: number | null,
): Promise<void> {
  const { added, duplicate, malformed } =
    isDryRun || to === null
      ? await countNewKeys(ctx, to, group.keys())
      : await importKeys(ctx, {
          groupId: to,
          keys: group.keys(),
          defaults: { note: '', weight: 1, managedBy: null },
          action: 'key.import',
        })
  report.keys.created += added
  report.keys.present += duplicate
  report.keys.malformed += malformed
}

async function importAccessKey(run: Import, { token, groupIds, ...accessKey }: ImportedAccessKey): Promise<void> {
  const { ctx, isDryRun, report, targets } = run
  const hash = ctx.keyring.hashToken(token)
  const known = await ctx.store.database.accessKey.findUnique({ where: { hash }, select: { id: true } })
  report.accessKeys[known === null ? 'created' : 'present'] += 1
  if (isDryRun || known !== null) return
  const ids = groupIds.flatMap((id) => targets.get(id)?.to ?? [])
  try {
    await tokenTakenAsProblem(() =>
      commitChange({ ctx }, (tx) => insertAccessKey(tx, ctx, { ...accessKey, enabled: true, group_ids: ids }, token)),
    )
  } catch (error) {
    report.accessKeys.created -= 1
    report.problems.push(`access key "${accessKey.name}": ${refusal(error)}`)
  }
}

/** What verbs refuse is reported beside the rest; anything else ends the import. */
function refusal(error: unknown): string {
  if (!(error instanceof ApiProblem)) throw error
  return error.errors.map(({ pointer, detail }) => `${pointer} ${detail}`).join('; ') || error.message
}
