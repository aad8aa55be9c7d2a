import { authorise } from '../authorise.ts'
import { commitChange } from '../truth/commit.ts'
import type { Verb } from '../verb.ts'

/** Marks letters, and says who asked; log-ingest tries them within seconds. */
export const replayDeadLetters: Verb<'replayDeadLetters'> = async ({ ctx, input }) => {
  authorise(ctx, 'replayDeadLetters')
  const { ids } = input.body
  const { result: asked } = await commitChange({ ctx }, async (tx) => {
    tx.audit({ action: 'log.replay', entity: 'log', entityId: 0, detail: { letters: ids?.length ?? 'all' } })
    return ctx.requestReplay(ids, tx.sql)
  })
  return { value: { asked } }
}
