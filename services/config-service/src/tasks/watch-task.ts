import { isTaskOver } from '@gpt-load/contracts/task-state'
import { authorise } from '../authorise.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { findTask, requireTask, toTask, type TaskRow } from './task-row.ts'

/**
 * A task as server-sent events: `progress` whenever it is another, `end` with its last state, then the stream ends. Any
 * replica can tell, since the row says it all. A stream lasts five minutes at most, so that a token that is gone sees no more than
 * that; browsers come again by themselves.
 */
const pollMs = 400
const heartbeatMs = 10_000
const maxStreamMs = 300_000

export async function watchTask({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'watchTask'>, 'params'>
}): Promise<VerbAnswer<null>> {
  authorise(ctx, 'watchTask')
  const first = await requireTask(ctx.store.sql, input.params.id)
  return { value: null, stream: eventsOf(ctx, first) }
}

async function* eventsOf({ store, clock }: VerbContext, first: TaskRow): AsyncGenerator<string> {
  const endsAtMs = clock.monotonicMs() + maxStreamMs
  let sent = ''
  let sentAtMs = clock.monotonicMs()
  for (let row: TaskRow | undefined = first; row !== undefined; row = await findTask(store.sql, first.id)) {
    const task = toTask(row)
    const data = JSON.stringify(task)
    if (isTaskOver(task)) return yield `event: end\ndata: ${data}\n\n`
    const isQuiet = clock.monotonicMs() - sentAtMs >= heartbeatMs
    if (data !== sent) yield `event: progress\ndata: ${data}\n\n`
    else if (isQuiet) yield ': alive\n\n'
    if (data !== sent || isQuiet) sentAtMs = clock.monotonicMs()
    sent = data
    if (sentAtMs >= endsAtMs) return
    await clock.sleep(pollMs)
  }
}
