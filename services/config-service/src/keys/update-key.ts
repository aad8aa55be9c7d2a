import type { Key } from '@gpt-load/contracts/api/key'
import { authorise } from '../authorise.ts'
import { commitChange } from '../truth/commit.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { answerKey, lockKey } from './change-key.ts'

/** Note and weight. Edges take the weight with the whole key; of a note they know nothing. */
export async function updateKey({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: VerbInput<'updateKey'>
}): Promise<VerbAnswer<Key>> {
  authorise(ctx, 'updateKey')
  const { id } = input.params
  const { revision } = await commitChange({ ctx }, async (tx) => {
    const row = await lockKey(tx, id, input.precondition)
    const note = input.body.note === undefined ? row.note : (input.body.note ?? '')
    const weight = input.body.weight ?? row.weight
    if (note === row.note && weight === row.weight) return
    await tx.sql.execute('UPDATE provider_keys SET note = ?, weight = ?, updated_at = ? WHERE id = ?', [
      note,
      weight,
      tx.nowMs,
      id,
    ])
    tx.touch('key', [id])
    tx.stamp('provider_keys', [id])
    tx.audit({ action: 'key.update', entity: 'key', entityId: id, detail: { hint: row.hint, note, weight } })
  })
  return answerKey(ctx, id, revision)
}
