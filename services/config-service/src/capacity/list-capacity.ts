import { authorise } from '../authorise.ts'
import type { Verb } from '../verb.ts'
import { loadCapacities } from './load-capacity.ts'

export const listCapacity: Verb<'listCapacity'> = async ({ ctx }) => {
  authorise(ctx, 'listCapacity')
  return { value: { items: await loadCapacities(ctx) } }
}
