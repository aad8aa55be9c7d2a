import { maxOwnPrices, type Price } from '@gpt-load/contracts/api/price'
import { isUniqueViolation } from '@gpt-load/database/database-errors'
import { authorise } from '../authorise.ts'
import { ApiProblem } from '../http/api-problem.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { commitChange } from '../truth/commit.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'

export async function createPrice({
  ctx,
  input: { body },
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'createPrice'>, 'body'>
}): Promise<VerbAnswer<Price>> {
  authorise(ctx, 'createPrice')
  try {
    const { result: id } = await commitChange({ ctx }, (tx) => insertPrice(tx, body))
    return { value: { ...body, id } }
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    throw new ApiProblem('duplicate', 'There is a price of this model from this day on: delete it first.', {
      errors: [{ pointer: '/effective_from', detail: 'has a price already' }],
      cause: error,
    })
  }
}

async function insertPrice(tx: ChangeTransaction, body: VerbInput<'createPrice'>['body']): Promise<number> {
  const { provider, model, effective_from: from, input, cached, output } = body
  const [count] = await tx.sql.query<{ n: number }>('SELECT COUNT(*) AS n FROM model_prices')
  if ((count?.n ?? 0) >= maxOwnPrices) throw new ApiProblem('conflict', `There are ${maxOwnPrices} prices already.`)
  await tx.sql.execute(
    'INSERT INTO model_prices (provider, model, effective_from, input, cached, output) VALUES (?, ?, ?, ?, ?, ?)',
    [provider, model, from, input, cached, output],
  )
  const [row] = await tx.sql.query<{ id: number }>(
    'SELECT id FROM model_prices WHERE provider = ? AND model = ? AND effective_from = ?',
    [provider, model, from],
  )
  if (row === undefined) throw new Error('a price is missing right after it was written')
  tx.audit({ action: 'price.create', entity: 'price', entityId: row.id, detail: body })
  return row.id
}
