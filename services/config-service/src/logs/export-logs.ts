import type { RequestLog } from '@gpt-load/contracts/api/log'
import type { LogSearchQuery } from '@gpt-load/database/logs/log-search'
import { setImmediate as turn } from 'node:timers/promises'
import { authorise } from '../authorise.ts'
import { csvLine } from '../http/csv.ts'
import type { Verb, VerbContext, VerbInput } from '../verb.ts'
import { logFiltersOf, logRangeOf } from './log-query.ts'

/** What a search finds, as a download: a page is in memory at a time, read at the pace of who takes it. */
const rowsPerPage = 500

export const exportLogs: Verb<'exportLogs'> = async ({ ctx, input }) => {
  authorise(ctx, 'exportLogs')
  return { value: null, stream: ndjsonOf(pagesOf(ctx, searchOf(ctx, input.query))) }
}

export const exportLogsCsv: Verb<'exportLogsCsv'> = async ({ ctx, input }) => {
  authorise(ctx, 'exportLogsCsv')
  return { value: null, stream: csvOf(pagesOf(ctx, searchOf(ctx, input.query))) }
}

function searchOf({ clock }: VerbContext, query: VerbInput<'exportLogs'>['query']): LogSearchQuery {
  const { from, to, order, ...filters } = query
  return { ...logFiltersOf(filters), ...logRangeOf({ from, to }, clock.nowMs()), order, limit: rowsPerPage }
}

async function* pagesOf({ logReader }: VerbContext, first: LogSearchQuery): AsyncGenerator<RequestLog[]> {
  for (let query: LogSearchQuery | null = first; query !== null;) {
    const { items, next } = await logReader.search(query)
    if (items.length > 0) yield items
    query = next === null ? null : { ...query, after: next }
    await turn()
  }
}

async function* ndjsonOf(pages: AsyncIterable<RequestLog[]>): AsyncGenerator<string> {
  for await (const page of pages) yield page.map((log) => `${JSON.stringify(log)}\n`).join('')
}

const columns: readonly (readonly [name: string, pick: (log: RequestLog) => string | number | boolean | null])[] = [
  ['received_at', (log) => log.received_at],
  ['request_id', (log) => log.request_id],
  ['status', (log) => log.status],
  ['group_name', (log) => log.group_name],
  ['member_group_name', (log) => log.member_group_name],
  ['access_key_id', (log) => log.access_key_id],
  ['key_id', (log) => log.key_id],
  ['key_hint', (log) => log.key_hint],
  ['method', (log) => log.method],
  ['request_path', (log) => log.request_path],
  ['model_requested', (log) => log.model_requested],
  ['model_sent', (log) => log.model_sent],
  ['is_stream', (log) => log.is_stream],
  ['upstream', (log) => log.upstream],
  ['attempt_count', (log) => log.attempt_count],
  ['duration_ms', (log) => log.duration_ms],
  ['first_byte_ms', (log) => log.first_byte_ms],
  ['first_token_ms', (log) => log.first_token_ms],
  ['tokens_input', (log) => log.tokens.input],
  ['tokens_output', (log) => log.tokens.output],
  ['tokens_cached', (log) => log.tokens.cached],
  ['tokens_reasoning', (log) => log.tokens.reasoning],
  ['bytes_in', (log) => log.bytes_in],
  ['bytes_out', (log) => log.bytes_out],
  ['error_class', (log) => log.error_class],
  ['error_code', (log) => log.error_code],
  ['error_message', (log) => log.error_message],
  ['end_reason', (log) => log.end_reason],
  ['client_address', (log) => log.client_address],
  ['user_agent', (log) => log.user_agent],
  ['edge', (log) => log.edge],
]

async function* csvOf(pages: AsyncIterable<RequestLog[]>): AsyncGenerator<string> {
  yield csvLine(columns.map(([name]) => name))
  for await (const page of pages) yield page.map((log) => csvLine(columns.map(([, pick]) => pick(log)))).join('')
}
