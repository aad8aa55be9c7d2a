import { environmentOwner } from '@gpt-load/contracts/api/config'
import { upstreamListInputSchema } from '@gpt-load/contracts/api/upstream'
import type { Settings } from '@gpt-load/contracts/settings'
import { groupSettingsSchema } from '@gpt-load/contracts/settings-schema'
import { waitForLease } from '@gpt-load/database/lease'
import { accessKeyHint } from '../access-keys/access-key-token.ts'
import { insertAccessKey } from '../access-keys/create-access-key.ts'
import { applyAccessKeyChange } from '../access-keys/update-access-key.ts'
import { insertGroup } from '../groups/create-group.ts'
import { importKeys, type ImportResult } from '../keys/import-keys.ts'
import type { KeyLine } from '@gpt-load/contracts/parse-keys-text'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { commitChange } from '../truth/commit.ts'
import type { ChangeContext } from '../verb.ts'
import { ConfigApplyError, withFieldNames } from './config-apply-error.ts'

/**
 * The 0.1 way to start: a keys file and a base URL in the environment make the group `default` (gpt-load/v0.md 2). The
 * environment seeds the group when it is created; later edits win. New keys of the file are added at each start. AUTH_KEY
 * is also an access key, for this group only; it follows the variable for as long as nobody deletes it.
 */
export type DefaultGroupSeed = {
  /** Equal weights; empty = OpenAI's own. */
  baseUrls: readonly string[]
  settings: Partial<Settings>
  /** null = AUTH_KEY does not come from the environment. */
  authKey: string | null
  /** Of KEYS_FILE; null = no file. */
  keys: AsyncIterable<KeyLine> | null
}

export type SeedReport = { isGroupCreated: boolean; keys: ImportResult | null }

export const defaultGroupName = 'default'
const owner = environmentOwner
const accessKeyName = 'AUTH_KEY'
const openaiUrl = 'https://api.openai.com'
const leaseTtlMs = 30_000

export async function seedDefaultGroup(ctx: ChangeContext, seed: DefaultGroupSeed): Promise<SeedReport> {
  return waitForLease(ctx.store, 'apply-config', { ttlMs: leaseTtlMs }, async () => {
    const { result } = await withFieldNames('OPENAI_BASE_URL', () =>
      commitChange({ ctx }, (tx) => seedGroup(tx, ctx, seed)),
    )
    const { id, isGroupCreated } = result
    if (seed.keys === null) return { isGroupCreated, keys: null }
    const defaults = { note: '', weight: 1, managedBy: owner }
    const keys = await importKeys(ctx, { groupId: id, keys: seed.keys, defaults, action: 'key.seed' })
    return { isGroupCreated, keys }
  })
}

async function seedGroup(
  tx: ChangeTransaction,
  ctx: ChangeContext,
  seed: DefaultGroupSeed,
): Promise<{ id: number; isGroupCreated: boolean }> {
  const known = await tx.database.group.findUnique({ where: { name: defaultGroupName }, select: { id: true } })
  const id = known?.id ?? (await createDefaultGroup(tx, ctx, seed))
  // Without a keys file nobody asked for the 0.1 behaviour: AUTH_KEY stays what it is, an admin key.
  if (seed.authKey !== null && seed.keys !== null) await seedAccessKey(tx, ctx, id, seed.authKey, known === null)
  return { id, isGroupCreated: known === null }
}

async function createDefaultGroup(tx: ChangeTransaction, ctx: ChangeContext, seed: DefaultGroupSeed): Promise<number> {
  const urls = seed.baseUrls.length === 0 ? [openaiUrl] : seed.baseUrls
  const upstreams = upstreamListInputSchema.safeParse(urls.map((url) => ({ url, weight: 1 })))
  if (!upstreams.success)
    throw new ConfigApplyError(['OPENAI_BASE_URL: must be http:// or https:// URLs, separated by commas'])
  return insertGroup(tx, ctx, {
    name: defaultGroupName,
    kind: 'standard',
    channel: 'openai',
    upstreams: upstreams.data,
    settings: groupSettingsSchema.parse(seed.settings),
    managed_by: owner,
  })
}

async function seedAccessKey(
  tx: ChangeTransaction,
  ctx: ChangeContext,
  groupId: number,
  authKey: string,
  isNewGroup: boolean,
): Promise<void> {
  const hash = ctx.keyring.hashToken(authKey)
  const [named, same] = await Promise.all([
    tx.database.accessKey.findFirst({ where: { name: accessKeyName, managed_by: owner }, select: { id: true } }),
    tx.database.accessKey.findUnique({ where: { hash }, select: { id: true } }),
  ])
  if (same !== null) return
  if (named !== null) {
    await applyAccessKeyChange(tx, named.id, null, { token: { hash, hint: accessKeyHint(authKey) } })
  } else if (isNewGroup) {
    const fields = { name: accessKeyName, all_groups: false, group_ids: [groupId], default_group_id: groupId }
    await insertAccessKey(tx, ctx, { ...fields, enabled: true, managed_by: owner }, authKey)
  }
}
