import type { RequestLog } from '@gpt-load/contracts/api/log'
import { authorise } from '../authorise.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import type { TailBatch } from './log-tail.ts'

/**
 * The tail as server-sent events. Its filters are those that a row can be told by; a stream lasts five minutes at most, so that
 * a token that is gone sees no more than that; browsers come again by themselves.
 */
const maxStreamMs = 300_000

export async function watchLogs({
  ctx,
  input: { query },
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'watchLogs'>, 'query'>
}): Promise<VerbAnswer<null>> {
  authorise(ctx, 'watchLogs')
  return { value: null, stream: eventsOf(ctx, ctx.logTail.follow(), query) }
}

type Filters = VerbInput<'watchLogs'>['query']

async function* eventsOf(
  { clock }: VerbContext,
  batches: AsyncGenerator<TailBatch>,
  filters: Filters,
): AsyncGenerator<string> {
  const endsAtMs = clock.monotonicMs() + maxStreamMs
  yield ': following\n\n'
  for await (const { items, skipped } of batches) {
    const matching = items.filter((log) => isMatch(log, filters))
    if (matching.length > 0) yield `event: requests\ndata: ${JSON.stringify(matching)}\n\n`
    if (skipped > 0) yield `event: skipped\ndata: ${skipped}\n\n`
    if (matching.length === 0 && skipped === 0) yield ': alive\n\n'
    if (clock.monotonicMs() >= endsAtMs) return
  }
}

function isMatch(log: RequestLog, filters: Filters): boolean {
  const { group_id: groupId, access_key_id: accessKeyId, status, status_class: statusClass, model, failed } = filters
  const hasFailed = log.status >= 400 || log.end_reason !== 'complete'
  return (
    (groupId === undefined || log.group_id === groupId || log.member_group_id === groupId) &&
    (accessKeyId === undefined || log.access_key_id === accessKeyId) &&
    (status === undefined || log.status === status) &&
    (statusClass === undefined || Math.floor(log.status / 100) === statusClass) &&
    (model === undefined || log.model_requested === model || log.model_sent === model) &&
    (failed === undefined || failed === hasFailed)
  )
}
