import { defaultLogRangeMs, maxLogRangeMs } from '@gpt-load/contracts/api/log'
import type { LogFilters, LogSearchQuery } from '@gpt-load/database/logs/log-search'
import { wrongField } from '../http/api-problem.ts'
import { fromInstant } from '../instant.ts'
import type { VerbInput } from '../verb.ts'

/** A query of the API as the reader takes it: what is left out stays out. */
type FilterQuery = Omit<VerbInput<'exportLogs'>['query'], 'from' | 'to' | 'order'>

const filterNames = {
  groupId: 'group_id',
  accessKeyId: 'access_key_id',
  keyId: 'key_id',
  requestId: 'request_id',
  isFailed: 'failed',
  errorClass: 'error_class',
  errorCode: 'error_code',
  error: 'error',
  model: 'model',
  status: 'status',
  statusClass: 'status_class',
  upstream: 'upstream',
  clientAddress: 'client_address',
  isStream: 'stream',
  minDurationMs: 'min_duration_ms',
  maxDurationMs: 'max_duration_ms',
  minFirstTokenMs: 'min_first_token_ms',
  maxFirstTokenMs: 'max_first_token_ms',
  minTokens: 'min_tokens',
  maxTokens: 'max_tokens',
} as const satisfies Record<keyof LogFilters, keyof FilterQuery>

export function logFiltersOf(query: FilterQuery): LogFilters {
  const entries = Object.entries(filterNames).map(([name, parameter]) => [name, query[parameter]] as const)
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

export function logRangeOf(
  { from, to }: { from?: string | undefined; to?: string | undefined },
  nowMs: number,
): Pick<LogSearchQuery, 'fromMs' | 'toMs'> {
  // Rows of this very millisecond belong to "now".
  const toMs = to === undefined ? nowMs + 1 : fromInstant(to)
  const fromMs = from === undefined ? Math.max(0, toMs - defaultLogRangeMs) : fromInstant(from)
  if (fromMs > toMs) throw wrongField('/from', 'lies after "to"')
  if (toMs - fromMs > maxLogRangeMs) throw wrongField('/from', 'the range may hold 31 days')
  return { fromMs, toMs }
}
