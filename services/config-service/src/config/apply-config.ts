import type {
  AggregateGroupConfig,
  ConfigFile,
  GroupConfig,
  StandardGroupConfig,
} from '@gpt-load/contracts/config-file'
import type { KeyAddResult } from '@gpt-load/contracts/api/key'
import { waitForLease } from '@gpt-load/database/lease'
import { importKeys } from '../keys/import-keys.ts'
import type { KeyLine } from '@gpt-load/contracts/parse-keys-text'
import { applySettings } from '../settings/update-settings.ts'
import { commitChange } from '../truth/commit.ts'
import type { ChangeContext } from '../verb.ts'
import { applyAccessKey } from './apply-access-key.ts'
import type { Outcome } from './apply-outcome.ts'
import { applyGroup, isAggregateConfig } from './apply-group.ts'
import { checkReferences, groupIdsByName } from './check-references.ts'
import { withFieldNames } from './config-apply-error.ts'
import { recordManagedFields } from './managed-fields.ts'

/**
 * Brings the database to what a configuration file says. Idempotent: what is so already is left alone and makes no
 * revision. Nothing is deleted, and fields that the file does not name stay as they are; keys of a group are a set that
 * only grows here. Groups and access keys are found by name. Replicas that start together take turns.
 */
export type ApplyConfigOptions = {
  config: ConfigFile
  /** Shown as the owner of what the file names: its file name. */
  managedBy: string
  /** Keys of a `keys_file`, as a stream. */
  openKeysFile(path: string): AsyncIterable<KeyLine>
  signal?: AbortSignal
}

export type ApplyReport = {
  groups: ChangeCounts
  accessKeys: ChangeCounts
  areSettingsChanged: boolean
  keys: Pick<KeyAddResult, 'added' | 'duplicate' | 'malformed'>
  /** Newest revision that applying made; null = everything was so already. */
  revision: number | null
}
export type ChangeCounts = Record<Outcome['kind'], number>

const leaseTtlMs = 30_000

export async function applyConfig(ctx: ChangeContext, options: ApplyConfigOptions): Promise<ApplyReport> {
  const wait = { ttlMs: leaseTtlMs, ...(options.signal && { signal: options.signal }) }
  return waitForLease(ctx.store, 'apply-config', wait, () => applyInOrder(ctx, options))
}

/** The lease `apply-config` is the caller's. */
export async function applyInOrder(ctx: ChangeContext, options: ApplyConfigOptions): Promise<ApplyReport> {
  const { config } = options
  await checkReferences(ctx, config)
  const report = emptyReport()
  await applySystemSettings(ctx, options, report)
  // Members are named by aggregates, so they come first; an aggregate is never a member.
  const places = config.groups.map((group, index) => ({ group, index }))
  for (const place of places) if (!isAggregateConfig(place.group)) await applyStandard(ctx, options, report, place)
  for (const place of places) if (isAggregateConfig(place.group)) await applyAggregate(ctx, options, report, place)
  const groupIds = await groupIdsByName(
    ctx,
    config.access_keys.flatMap(({ groups, default_group: name }) => [...groups, ...(name === undefined ? [] : [name])]),
  )
  for (const [index, accessKey] of config.access_keys.entries()) {
    const outcome = await withFieldNames(`access_keys[${index}]`, () =>
      applyAccessKey(ctx, { accessKey, groupIds, managedBy: options.managedBy }),
    )
    count(report, report.accessKeys, outcome)
  }
  await recordManagedFields(ctx, { config, owner: options.managedBy })
  return report
}

function emptyReport(): ApplyReport {
  const counts = (): ChangeCounts => ({ created: 0, changed: 0, unchanged: 0 })
  const keys = { added: 0, duplicate: 0, malformed: 0 }
  return { groups: counts(), accessKeys: counts(), areSettingsChanged: false, keys, revision: null }
}

function count(report: ApplyReport, counts: ChangeCounts, { kind, revision }: Outcome): void {
  counts[kind] += 1
  report.revision = revision ?? report.revision
}

async function applySystemSettings(
  ctx: ChangeContext,
  { config, managedBy }: ApplyConfigOptions,
  report: ApplyReport,
): Promise<void> {
  const { settings } = config
  if (settings === undefined || Object.keys(settings).length === 0) return
  const { result, revision } = await withFieldNames('settings', () =>
    commitChange({ ctx }, (tx) =>
      applySettings(tx, ctx, { patch: settings, source: 'file', managedBy, precondition: null }),
    ),
  )
  report.areSettingsChanged = result
  report.revision = revision ?? report.revision
}

type Place<T extends GroupConfig = GroupConfig> = { group: T; index: number }

async function applyStandard(
  ctx: ChangeContext,
  options: ApplyConfigOptions,
  report: ApplyReport,
  place: Place,
): Promise<void> {
  const group = place.group as StandardGroupConfig
  const { managedBy } = options
  const outcome = await withFieldNames(`groups[${place.index}]`, () => applyGroup(ctx, { group, managedBy }))
  count(report, report.groups, outcome)
  const defaults = { note: '', weight: 1, managedBy }
  for (const keys of keySources(group, options)) {
    const { signal } = options
    const added = await importKeys(ctx, {
      groupId: outcome.id,
      keys,
      defaults,
      action: 'key.apply',
      ...(signal && { signal }),
    })
    report.keys.added += added.added
    report.keys.duplicate += added.duplicate
    report.keys.malformed += added.malformed
    report.revision = added.revision ?? report.revision
  }
}

function keySources(
  { keys = [], keys_file: path }: StandardGroupConfig,
  { openKeysFile }: ApplyConfigOptions,
): (Iterable<KeyLine> | AsyncIterable<KeyLine>)[] {
  const literal = keys.map((key, index) => ({ line: index + 1, key }))
  return [...(literal.length > 0 ? [literal] : []), ...(path === undefined ? [] : [openKeysFile(path)])]
}

async function applyAggregate(
  ctx: ChangeContext,
  { managedBy }: ApplyConfigOptions,
  report: ApplyReport,
  place: Place,
): Promise<void> {
  const group = place.group as AggregateGroupConfig
  const ids = await groupIdsByName(
    ctx,
    group.members.map((member) => member.group),
  )
  // References were checked: an id that is missing now was deleted meanwhile, and the verb says so.
  const members = group.members.map((member) => ({ group_id: ids.get(member.group) ?? 0, weight: member.weight }))
  const outcome = await withFieldNames(`groups[${place.index}]`, () => applyGroup(ctx, { group, members, managedBy }))
  count(report, report.groups, outcome)
}
