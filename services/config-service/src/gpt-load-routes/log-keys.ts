import { placeholders } from '@gpt-load/database/sql-runner'
import { revealKeys } from '../keys/reveal-keys.ts'
import type { VerbContext } from '../verb.ts'

/** Keys that log rows name: in clear for who may see them, with their hash. One that was deleted since is not found. */
export type LoggedKey = { value: string; hash: string }

export async function loadLoggedKeys(ctx: VerbContext, ids: readonly number[]): Promise<Map<number, LoggedKey>> {
  if (ids.length === 0) return new Map()
  const rows = await ctx.store.sql.query<{ id: number; group_id: number; hint: string; hash: Buffer }>(
    `SELECT id, group_id, hint, hash FROM provider_keys WHERE id IN (${placeholders(ids.length)})`,
    ids,
  )
  const clear = new Map<number, string>()
  if (ctx.actor.scopes.has('secrets:read'))
    for (const [groupId, keys] of Map.groupBy(rows, ({ group_id }) => group_id))
      for (const [id, value] of await revealKeys(
        ctx,
        groupId,
        keys.map(({ id: keyId }) => keyId),
      ))
        clear.set(id, value)
  return new Map(
    rows.map(({ id, hint, hash }) => [id, { value: clear.get(id) ?? hint, hash: Buffer.from(hash).toString('hex') }]),
  )
}
