import { authorise } from '../authorise.ts'
import { ApiProblem, notFound } from '../http/api-problem.ts'
import type { Verb } from '../verb.ts'
import { loadCapacities } from './load-capacity.ts'

export const getCapacity: Verb<'getCapacity'> = async ({ ctx, input }) => {
  authorise(ctx, 'getCapacity')
  const { id } = input.params
  const [capacity] = await loadCapacities(ctx, id)
  if (capacity !== undefined) return { value: capacity }
  if ((await ctx.store.database.group.count({ where: { id } })) === 0) throw notFound('group')
  throw new ApiProblem('conflict', 'An aggregate has no keys of its own: ask for its members.')
}
