import { authorise } from '../authorise.ts'
import { notFound } from '../http/api-problem.ts'
import { commitChange } from '../truth/commit.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'

/** From then on it is 401, and so are the sessions that it opened: both look its row up at every request. */
export async function deleteAdminToken({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'deleteAdminToken'>, 'params'>
}): Promise<VerbAnswer<null>> {
  authorise(ctx, 'deleteAdminToken')
  const { id } = input.params
  await commitChange({ ctx }, async (tx) => {
    const [row] = await tx.sql.query<{ name: string }>('SELECT name FROM admin_tokens WHERE id = ?', [id])
    if (row === undefined) throw notFound('admin token')
    await tx.sql.execute('DELETE FROM admin_tokens WHERE id = ?', [id])
    tx.audit({ action: 'admin_token.delete', entity: 'admin_token', entityId: id, detail: { name: row.name } })
  })
  return { value: null }
}
