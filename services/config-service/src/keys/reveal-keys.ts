import { openProviderKey } from '@gpt-load/database/row-secrets'
import { placeholders } from '@gpt-load/database/sql-runner'
import { authorise } from '../authorise.ts'
import { commitChange } from '../truth/commit.ts'
import type { VerbContext } from '../verb.ts'

/**
 * Provider keys of a group in clear, a page of a list. As with one key, the audit row is stored before they leave; it counts
 * them, and names the group.
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
