import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { gptLoadLogPageSchema, maxGptLoadLogRows, type GptLoadLog } from '@gpt-load/contracts/gpt-load-api/log'
import type { AttemptLogPosition, AttemptLogRow } from '@gpt-load/database/logs/attempt-log-reader'
import { toInstant } from '../instant.ts'
import { route, type GptLoadRoute, type RouteCall } from './gpt-load-route.ts'
import { loadLoggedBodies } from './log-bodies.ts'
import { loadLoggedKeys, type LoggedKey } from './log-keys.ts'
import { logQueryOf } from './log-query.ts'
import { pageRequestOf, toPage } from './paging.ts'

/**
 * The request log with a row per attempt. Pages reach as far as rows are counted; the export goes through the whole range: one
 * line per key, its newest row, which is what users harvest or delete failing keys by.
 */
const exportPage = 2_000

export const logRoutes: readonly GptLoadRoute[] = [
  route({ method: 'get', path: '/api/logs', scope: 'read', answer: gptLoadLogPageSchema, handle: listLogs }),
  route({ method: 'get', path: '/api/logs/export', scope: 'read', answer: null, handle: sendKeysOfLogs }),
]

async function listLogs(call: RouteCall<unknown>) {
  const { attempts } = call.ctx.logReader
  const query = await logQueryOf(call)
  const page = pageRequestOf(call.query)
  const count = await attempts.count(query, maxGptLoadLogRows + 1)
  const total = Math.min(count, maxGptLoadLogRows)
  const limit = Math.min(page.pageSize, total - page.offset)
  const rows = limit <= 0 ? [] : await attempts.rows(query, { limit, offset: page.offset })
  const [keys, names, bodies] = await Promise.all([
    loadLoggedKeys(call.ctx, keyIdsOf(rows)),
    missingNames(call, rows),
    loadLoggedBodies(
      call.ctx,
      rows.map(({ requestId }) => requestId),
    ),
  ])
  const items = rows.map((row) => ({
    ...toLog(row, keys.get(row.keyId), names.get(row.groupId) ?? ''),
    request_body: bodies.get(row.requestId) ?? '',
  }))
  return { ...toPage(items, page, total), ...(count > total ? { total_is_estimate: true as const } : {}) }
}

/** Of groups that an attempt went to and the request's row does not name. */
async function missingNames(
  { ctx }: RouteCall<unknown>,
  rows: readonly AttemptLogRow[],
): Promise<ReadonlyMap<number, string>> {
  const ids = new Set(rows.filter(({ groupName }) => groupName === '').map(({ groupId }) => groupId))
  if (ids.size === 0) return new Map()
  const select = { id: true, name: true } as const
  const groups = await ctx.store.database.group.findMany({ where: { id: { in: [...ids] } }, select })
  return new Map(groups.map(({ id, name }) => [id, name]))
}

function keyIdsOf(rows: readonly AttemptLogRow[]): number[] {
  return [...new Set(rows.map(({ keyId }) => keyId).filter((id) => id > 0))]
}

function toLog(row: AttemptLogRow, key: LoggedKey | undefined, groupName: string): Omit<GptLoadLog, 'request_body'> {
  return {
    id: row.isFinal ? row.requestId : `${row.requestId}-${row.number}`,
    timestamp: toInstant(row.receivedAtMs),
    group_id: row.groupId,
    group_name: row.groupName === '' ? groupName : row.groupName,
    parent_group_id: row.parentGroupId,
    parent_group_name: row.parentGroupName,
    key_value: key?.value ?? row.keyHint,
    key_hash: key?.hash ?? '',
    model: row.model,
    is_success: row.isSuccess,
    source_ip: row.clientAddress,
    status_code: row.status,
    request_path: row.requestPath,
    duration_ms: Math.max(0, row.durationMs),
    error_message: row.errorMessage,
    user_agent: row.userAgent,
    request_type: row.isFinal ? 'final' : 'retry',
    upstream_addr: row.upstream,
    is_stream: row.isStream,
    request_id: row.requestId,
    attempt: row.number,
    method: row.method,
    ttfb_ms: known(row.firstByteMs),
    error_class: (row.errorClass || null) as GptLoadLog['error_class'],
    prompt_tokens: known(row.tokensInput),
    completion_tokens: known(row.tokensOutput),
    access_key_id: row.accessKeyId === 0 ? null : row.accessKeyId,
    edge: row.edge,
  }
}

function known(value: number): number | null {
  return value < 0 ? null : value
}

async function sendKeysOfLogs(call: RouteCall<unknown>): Promise<void> {
  const query = await logQueryOf(call)
  const stamp = toInstant(call.ctx.clock.nowMs()).replaceAll(/\D/g, '').slice(0, 14)
  call.response.setHeader('content-type', 'text/csv; charset=utf-8')
  call.response.setHeader('content-disposition', `attachment; filename=log_keys_export_${stamp}.csv`)
  await pipeline(Readable.from(linesOf(call, query)), call.response)
}

/** The ids of keys that were told are all that is held: newest rows come first. */
async function* linesOf(
  call: RouteCall<unknown>,
  query: Awaited<ReturnType<typeof logQueryOf>>,
): AsyncGenerator<string> {
  yield 'key_value,group_name,status_code\n'
  const told = new Set<number>()
  for (let after: AttemptLogPosition | undefined, isLast = false; !isLast;) {
    const rows = await call.ctx.logReader.attempts.rows(query, {
      limit: exportPage,
      ...(after === undefined ? {} : { after }),
    })
    const fresh = rows.filter(({ keyId }) => keyId > 0 && !told.has(keyId) && told.add(keyId))
    const [keys, names] = await Promise.all([loadLoggedKeys(call.ctx, keyIdsOf(fresh)), missingNames(call, fresh)])
    const lines = fresh.map(({ keyId, keyHint, groupId, groupName, status }) =>
      csvLine([keys.get(keyId)?.value ?? keyHint, groupName || (names.get(groupId) ?? ''), String(status)]),
    )
    if (lines.length > 0) yield lines.join('')
    after = rows.at(-1)
    isLast = rows.length < exportPage
  }
}

function csvLine(fields: readonly string[]): string {
  return `${fields.map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',')}\n`
}
