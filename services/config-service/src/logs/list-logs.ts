import { defaultLogRangeMs, maxLogRangeMs } from '@gpt-load/contracts/api/log'
import type { OperationResult } from '@gpt-load/contracts/api/endpoints'
import type { RequestLogQuery } from '@gpt-load/database/logs/request-log-reader'
import { z } from 'zod'
import { authorise } from '../authorise.ts'
import { wrongField } from '../http/api-problem.ts'
import { decodeCursor, encodeCursor } from '../http/cursor.ts'
import { fromInstant } from '../instant.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'

/** Requests of a bounded time, newest first. The range is fixed by the first page: its cursor carries it on. */
const cursorSchema = z.tuple([
  z.number().int().nonnegative().describe('from'),
  z.number().int().nonnegative().describe('to'),
  z.number().int().nonnegative().describe('received at'),
  z.number().int().nonnegative().describe('row id'),
])

export async function listLogs({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: VerbInput<'listLogs'>
}): Promise<VerbAnswer<OperationResult<'listLogs'>>> {
  authorise(ctx, 'listLogs')
  const query = toLogQuery(input.query, ctx.clock.nowMs())
  const { items, next } = await ctx.logReader.list(query)
  const { fromMs, toMs } = query
  const cursor = next === null ? null : encodeCursor([fromMs, toMs, next.receivedAtMs, next.id])
  return { value: { items, next_cursor: cursor } }
}

function toLogQuery(query: VerbInput<'listLogs'>['query'], nowMs: number): RequestLogQuery {
  const { group_id: groupId, access_key_id: accessKeyId, status, request_id: requestId } = query
  return {
    ...rangeOf(query, nowMs),
    limit: query.limit,
    ...(groupId === undefined ? {} : { groupId }),
    ...(accessKeyId === undefined ? {} : { accessKeyId }),
    ...(status === undefined ? {} : { status }),
    ...(requestId === undefined ? {} : { requestId }),
  }
}

function rangeOf(
  query: VerbInput<'listLogs'>['query'],
  nowMs: number,
): Pick<RequestLogQuery, 'fromMs' | 'toMs' | 'after'> {
  if (query.cursor !== undefined) {
    const [fromMs, toMs, receivedAtMs, id] = decodeCursor(query.cursor, cursorSchema)
    return { fromMs: Math.max(fromMs, toMs - maxLogRangeMs), toMs, after: { receivedAtMs, id } }
  }
  // Rows of this very millisecond belong to "now".
  const toMs = query.to === undefined ? nowMs + 1 : fromInstant(query.to)
  const fromMs = query.from === undefined ? Math.max(0, toMs - defaultLogRangeMs) : fromInstant(query.from)
  if (fromMs > toMs) throw wrongField('/from', 'lies after "to"')
  if (toMs - fromMs > maxLogRangeMs) throw wrongField('/from', 'the range may hold 31 days')
  return { fromMs, toMs }
}
