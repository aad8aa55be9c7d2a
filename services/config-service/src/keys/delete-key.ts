import type { KeyState } from '@gpt-load/contracts/key-state'
import { authorise } from '../authorise.ts'
import { commitChange } from '../truth/commit.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { adjustKeyCounts, countChanges } from './adjust-key-counts.ts'
import { lockKey } from './change-key.ts'

export async function deleteKey({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'deleteKey'>, 'params' | 'precondition'>
}): Promise<VerbAnswer<null>> {
  authorise(ctx, 'deleteKey')
  const { id } = input.params
  const { revision } = await commitChange({ ctx }, async (tx) => {
    const row = await lockKey(tx, id, input.precondition)
    await tx.sql.execute('DELETE FROM key_model_states WHERE key_id = ?', [id])
    await tx.sql.execute('DELETE FROM provider_keys WHERE id = ?', [id])
    await adjustKeyCounts(
      tx.sql,
      row.group_id,
      countChanges([[{ state: row.state as KeyState, cause: row.cause }, -1]]),
    )
    tx.touch('key', [id])
    tx.audit({ action: 'key.delete', entity: 'key', entityId: id, detail: { hint: row.hint, group_id: row.group_id } })
  })
  return { value: null, ...(revision === null ? {} : { committed: revision }) }
}
