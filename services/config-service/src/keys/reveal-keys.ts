import type { KeyState } from '@gpt-load/contracts/key-state'
import { openProviderKey } from '@gpt-load/database/row-secrets'
import { placeholders } from '@gpt-load/database/sql-runner'
import { authorise } from '../authorise.ts'
import { commitChange } from '../truth/commit.ts'
import type { VerbContext } from '../verb.ts'

/**
 * Provider keys of a group in clear, many at once: a page of a list, or all as a file. As with one key, the audit row is stored
 * before the first leaves; it counts them, and names the group.
 */
type SecretRow = { id: number; hash: Buffer; secret: Buffer }

/** Id -> key. */
export async function revealKeys(
  ctx: VerbContext,
  groupId: number,
  ids: readonly number[],
): Promise<Map<number, string>> {
  authorise(ctx, 'revealKey')
  if (ids.length === 0) return new Map()
  const { result: rows } = await commitChange({ ctx }, async (tx) => {
    const found = await tx.sql.query<SecretRow>(
      `SELECT id, hash, secret FROM provider_keys WHERE group_id = ? AND id IN (${placeholders(ids.length)})`,
      [groupId, ...ids],
    )
    tx.audit({ action: 'key.reveal', entity: 'group', entityId: groupId, detail: { keys: found.length } })
    return found
  })
  return new Map(rows.map(({ id, hash, secret }) => [id, openProviderKey(ctx.keyring, hash, secret)]))
}

const exportChunk = 500

/** State by state, each by id; memory holds one chunk. */
export async function* exportKeys(
  ctx: VerbContext,
  groupId: number,
  states: readonly KeyState[],
): AsyncGenerator<string[]> {
  authorise(ctx, 'revealKey')
  await commitChange({ ctx }, async (tx) => {
    tx.audit({ action: 'key.export', entity: 'group', entityId: groupId, detail: { states } })
  })
  for (const state of states) {
    for (let after = 0; ;) {
      const rows = await ctx.store.sql.query<SecretRow>(
        `SELECT id, hash, secret FROM provider_keys WHERE group_id = ? AND state = ? AND id > ? ORDER BY id LIMIT ${exportChunk}`,
        [groupId, state, after],
      )
      if (rows.length > 0) yield rows.map(({ hash, secret }) => openProviderKey(ctx.keyring, hash, secret))
      if (rows.length < exportChunk) break
      after = rows.at(-1)!.id
    }
  }
}
