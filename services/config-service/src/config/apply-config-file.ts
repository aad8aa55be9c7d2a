import type { ConfigApplyInput, ConfigPlan } from '@gpt-load/contracts/api/config'
import { waitForLease } from '@gpt-load/database/lease'
import { removeAccessKey } from '../access-keys/delete-access-key.ts'
import { authorise } from '../authorise.ts'
import { removeGroup } from '../groups/delete-group.ts'
import { ApiProblem } from '../http/api-problem.ts'
import { removeKeysExcept } from '../keys/remove-keys-except.ts'
import { applySettings } from '../settings/update-settings.ts'
import { commitChange } from '../truth/commit.ts'
import { readPosition } from '../truth/read-position.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { applyInOrder } from './apply-config.ts'
import { recordManagedFields } from './managed-fields.ts'
import { planConfig, type FullPlan } from './plan-config.ts'
import { asProblem, shownPlan } from './plan-config-file.ts'

/**
 * Applies a file over the API: planned anew under the lease, so that what is answered is what was done, and refused before
 * the first write when the configuration has moved since the plan that somebody looked at. Creations and changes come first,
 * deletions last.
 */
const leaseTtlMs = 30_000

export async function applyConfigFile({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'applyConfig'>, 'body'>
}): Promise<VerbAnswer<ConfigPlan>> {
  authorise(ctx, 'applyConfig')
  const { body } = input
  const { plan, committed } = await asProblem(() =>
    waitForLease(ctx.store, 'apply-config', { ttlMs: leaseTtlMs }, () => planAndApply(ctx, body)),
  )
  return { value: shownPlan(plan), ...(committed === null ? {} : { committed }) }
}

async function planAndApply(
  ctx: VerbContext,
  body: ConfigApplyInput,
): Promise<{ plan: FullPlan; committed: number | null }> {
  if (body.expected !== undefined) await refuseIfMoved(ctx, body.expected)
  const plan = await planConfig(ctx, body)
  if (plan.changes.length === 0) {
    // Nothing changes, but the file may name other fields than before.
    await recordManagedFields(ctx, body)
    return { plan, committed: null }
  }
  const { revision } = await applyInOrder(ctx, { config: body.config, managedBy: body.owner, openKeysFile: noKeysFile })
  const pruned = body.prune ? await prune(ctx, plan) : null
  return { plan, committed: pruned ?? revision }
}

/** Key states move all the time and are nothing that a file says. */
const configurationKinds = "('setting', 'group', 'access_key', 'key')"

async function refuseIfMoved(
  { store }: VerbContext,
  expected: NonNullable<ConfigApplyInput['expected']>,
): Promise<void> {
  const { epoch, revision } = await readPosition(store.sql)
  const [since] = await store.sql.query<{ first: number | null; changed: number | null }>(
    `SELECT MIN(revision) AS first, MAX(CASE WHEN kind IN ${configurationKinds} THEN revision END) AS changed
     FROM change_log WHERE revision > ?`,
    [expected.revision],
  )
  // The log of changes is pruned: when it does not reach back to the plan, nobody can say what has changed since.
  const isKnown = revision === expected.revision || since?.first === expected.revision + 1
  if (epoch === expected.epoch && isKnown && (since?.changed ?? null) === null) return
  throw new ApiProblem(
    'plan_outdated',
    `The plan was made at revision ${expected.revision}; the configuration has changed since. Plan again.`,
  )
}

/** Answers the last revision that it made; null when there was nothing to delete. */
async function prune(ctx: VerbContext, { deletions, groups }: FullPlan): Promise<number | null> {
  let last: number | null = null
  const keep = (revision: number | null): void => void (last = revision ?? last)
  for (const { row, keys } of groups) {
    if (row === null || keys === null || keys.change.removed === 0) continue
    keep(await removeKeysExcept(ctx, { groupId: row.id, kept: keys.kept, action: 'key.prune' }))
  }
  for (const id of deletions.accessKeyIds)
    keep((await commitChange({ ctx }, (tx) => removeAccessKey(tx, { params: { id }, precondition: null }))).revision)
  for (const id of deletions.groupIds)
    keep((await commitChange({ ctx }, (tx) => removeGroup(tx, { params: { id }, precondition: null }))).revision)
  if (deletions.groupIds.length > 0) ctx.onGroupDeleted()
  if (deletions.settingNames.length > 0) keep(await resetSettings(ctx, deletions.settingNames))
  return last
}

async function resetSettings(ctx: VerbContext, names: readonly string[]): Promise<number | null> {
  const patch = Object.fromEntries(names.map((name) => [name, null]))
  const { revision } = await commitChange({ ctx }, (tx) =>
    applySettings(tx, ctx, { patch, source: 'file', managedBy: null, precondition: null }),
  )
  return revision
}

/** The contract lets none through: the client has read it. */
function noKeysFile(): never {
  throw new Error('a configuration that came over the API names a keys file')
}
