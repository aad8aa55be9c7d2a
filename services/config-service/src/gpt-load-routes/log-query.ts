import { maxLogRangeMs } from '@gpt-load/contracts/api/log'
import { instantInputSchema } from '@gpt-load/contracts/api/parameters'
import type { AttemptLogQuery } from '@gpt-load/database/logs/attempt-log-reader'
import { fromInstant } from '../instant.ts'
import { findKeyIdsAnywhere } from '../keys/find-key-ids.ts'
import type { RouteCall } from './gpt-load-route.ts'

/**
 * GPT-Load's filters, all optional; what is malformed counts as left out. The range ends now and is 31 days long, or shorter:
 * a substring has to be looked for in all of it.
 */
const maxFilterLength = 255

export async function logQueryOf({ ctx, query }: RouteCall<unknown>): Promise<AttemptLogQuery> {
  const key = textOf(query['key_value'])
  const status = textOf(query['status_code'])
  const { request_type: type, is_success: success } = query
  return {
    ...rangeOf(query, ctx.clock.nowMs()),
    ...given('parentGroupName', textOf(query['parent_group_name'])),
    ...given('groupName', textOf(query['group_name'])),
    ...given('model', textOf(query['model'])),
    ...given('error', textOf(query['error_contains'])),
    ...given('clientAddress', textOf(query['source_ip'])),
    ...given('status', status !== undefined && /^\d{1,3}$/.test(status) ? Number(status) : undefined),
    ...given('isSuccess', booleans[success ?? '']),
    ...given('isFinal', type === 'final' ? true : type === 'retry' ? false : undefined),
    ...(key === undefined ? {} : { keyIds: await findKeyIdsAnywhere(ctx, key) }),
  }
}

const booleans: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false }

function textOf(text: string | undefined): string | undefined {
  const trimmed = text?.trim().slice(0, maxFilterLength)
  return trimmed === '' ? undefined : trimmed
}

function given<K extends keyof AttemptLogQuery>(name: K, value: AttemptLogQuery[K] | undefined) {
  return value === undefined ? {} : { [name]: value }
}

/** Both ends are inclusive. */
function rangeOf(query: Readonly<Record<string, string>>, nowMs: number): Pick<AttemptLogQuery, 'fromMs' | 'toMs'> {
  const toMs = (instantOf(query['end_time']) ?? nowMs) + 1
  const earliestMs = Math.max(0, toMs - maxLogRangeMs)
  return { fromMs: Math.max(earliestMs, instantOf(query['start_time']) ?? earliestMs), toMs }
}

function instantOf(text: string | undefined): number | undefined {
  const { success, data } = instantInputSchema.safeParse(text)
  return success ? fromInstant(data) : undefined
}
