import { authorise } from '../authorise.ts'
import { ApiProblem } from '../http/api-problem.ts'
import { quoteName } from '@gpt-load/database/bulk-insert'
import { commitChange } from '../truth/commit.ts'
import type { Verb } from '../verb.ts'
import { findRotation, toRotation } from './rotation-row.ts'

/**
 * A new data key, and every data key wrapped by ENCRYPTION_KEY as this replica has it. From here on replicas do the rest
 * (run-rotation.ts).
 */
export const rotateEncryption: Verb<'rotateEncryption'> = async ({ ctx }) => {
  authorise(ctx, 'rotateEncryption')
  await ctx.keyring.reload()
  const store = await ctx.keyring.prepareDataKey()
  await commitChange({ ctx }, async (tx) => {
    // Whoever comes second waits here and finds the first one's row.
    await tx.sql.execute('UPDATE installation SET created_at = created_at WHERE id = 1')
    const running = await findRotation(tx.sql)
    if (running !== null && running.state !== 'succeeded') throw new ApiProblem('conflict', 'A rotation is under way.')
    const dataKeyId = await store(tx.sql, tx.nowMs)
    await tx.sql.execute(
      `INSERT INTO encryption_rotations (data_key_id, state, step, position, resealed, failed, created_by, created_at, finished_at)
       VALUES (?, 'announced', 0, 0, 0, 0, ?, ?, 0)`,
      [dataKeyId, ctx.actor.name.slice(0, 100), tx.nowMs],
    )
    tx.audit({ action: 'encryption.rotate', entity: 'data_key', entityId: dataKeyId, detail: {} })
  })
  const row = await findRotation(ctx.store.sql)
  if (row === null) throw new Error('the rotation is missing right after it was stored')
  return { value: toRotation(row) }
}

export const getEncryption: Verb<'getEncryption'> = async ({ ctx }) => {
  authorise(ctx, 'getEncryption')
  // Another replica may have gone on meanwhile.
  await ctx.keyring.reload()
  const { sql } = ctx.store
  const [row, [keys]] = await Promise.all([
    findRotation(sql),
    sql.query<{ total: number | null }>(`SELECT SUM(${quoteName(sql, 'count')}) AS total FROM group_key_counts`),
  ])
  return {
    value: {
      data_key_id: ctx.keyring.activeKeyId,
      needs_former_key: ctx.keyring.needsFormerKey,
      keys_total: Number(keys?.total ?? 0),
      rotation: row === null ? null : toRotation(row),
    },
  }
}
