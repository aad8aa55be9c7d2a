import type { ConfigChange } from '@gpt-load/contracts/api/config'
import type { StandardGroupConfig } from '@gpt-load/contracts/config-file'
import { countKeys } from '../keys/adjust-key-counts.ts'
import { hashKeys, withoutKnown } from '../keys/insert-keys.ts'
import type { ChangeContext } from '../verb.ts'

/**
 * Keys of a group are a set by fingerprint. `exact`: the set is the file's, so everything else in the group goes when it is
 * pruned, whoever added it. A group whose file names no keys at all keeps those that it has.
 */
export type PlannedKeys = {
  change: NonNullable<ConfigChange['keys']>
  /** Keys that only `prune` would remove. */
  unpruned: number
  /** base64 of their hashes, when there is something to remove. */
  kept: ReadonlySet<string>
}

export async function planKeys(
  ctx: Pick<ChangeContext, 'store' | 'keyring'>,
  { group, groupId, prune }: { group: StandardGroupConfig; groupId: number | null; prune: boolean },
): Promise<PlannedKeys> {
  const { keys = [], keys_managed: mode = 'additive' } = group
  const hashed = await hashKeys(ctx.keyring, [...new Set(keys)])
  if (groupId === null) return { change: { stored: 0, added: hashed.length, removed: 0 }, unpruned: 0, kept: new Set() }
  const fresh = await withoutKnown(ctx.store.sql, groupId, hashed)
  const stored = await countKeys(ctx.store.sql, groupId)
  const surplus = mode === 'exact' && group.keys !== undefined ? stored - (hashed.length - fresh.length) : 0
  return {
    change: { stored, added: fresh.length, removed: prune ? surplus : 0 },
    unpruned: prune ? 0 : surplus,
    kept: new Set(hashed.map(({ hash }) => Buffer.from(hash).toString('base64'))),
  }
}
