import { authorise } from '../authorise.ts'
import { notFound } from '../http/api-problem.ts'
import { commitChange } from '../truth/commit.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'

export async function deletePrice({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'deletePrice'>, 'params'>
}): Promise<VerbAnswer<null>> {
  authorise(ctx, 'deletePrice')
  const { id } = input.params
  await commitChange({ ctx }, async (tx) => {
    const [row] = await tx.sql.query<object>(
      'SELECT provider, model, effective_from, input, cached, output FROM model_prices WHERE id = ?',
      [id],
    )
    if (row === undefined) throw notFound('price of our own')
    await tx.sql.execute('DELETE FROM model_prices WHERE id = ?', [id])
    tx.audit({ action: 'price.delete', entity: 'price', entityId: id, detail: { ...row } })
  })
  return { value: null }
}
