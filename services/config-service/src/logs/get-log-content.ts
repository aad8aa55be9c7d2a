import { authorise } from '../authorise.ts'
import { notFound } from '../http/api-problem.ts'
import { toInstant } from '../instant.ts'
import { commitChange } from '../truth/commit.ts'
import type { Verb } from '../verb.ts'

/** Nobody sees a body unless the audit row of that is stored; that there is none may be seen. */
export const getLogContent: Verb<'getLogContent'> = async ({ ctx, input }) => {
  authorise(ctx, 'getLogContent')
  const { request_id: id } = input.params
  const content = await ctx.logReader.contents.find(id)
  if (content === null) {
    const log = await ctx.logReader.find(id)
    if (log === null) throw notFound('request')
    const { request_id, received_at, group_id } = log
    return { value: { request_id, received_at, group_id, request: null, response: null } }
  }
  const { group_id, received_at } = content
  await commitChange({ ctx }, async (tx) =>
    tx.audit({ action: 'log.read_content', entity: 'log', entityId: id, detail: { group_id } }),
  )
  return { value: { ...content, received_at: toInstant(received_at) } }
}
