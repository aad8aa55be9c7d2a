import { authorise } from '../authorise.ts'
import { describeFailure } from '../http/describe-failure.ts'
import { ApiProblem } from '../http/api-problem.ts'
import { callVerb, type RouteCall } from './gpt-load-route.ts'
import type { SelectedKey } from './key-selection.ts'

/**
 * Several keys tried against their provider, `concurrency` at a time; each result is stored as that of a single test is. In the
 * order of the input. A key that could not be tried is not valid, and says why.
 */
export type TestedKey = { key_value: string; is_valid: boolean; error?: string }

const busyRetryMs = 100

export async function testKeys(
  call: RouteCall<unknown>,
  keys: readonly SelectedKey[],
  concurrency: number,
): Promise<TestedKey[]> {
  authorise(call.ctx, 'testKey')
  const results: TestedKey[] = []
  const queue = keys.entries()
  const work = async (): Promise<void> => {
    for (const [index, key] of queue) {
      // Nobody waits for the answer any more: provider quota is not spent on it.
      if (call.response.destroyed) return
      results[index] = await testOne(call, key)
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, keys.length) }, work))
  return results
}

async function testOne(call: RouteCall<unknown>, { value, id }: SelectedKey): Promise<TestedKey> {
  if (id === null) return { key_value: value, is_valid: false, error: call.texts.KEY_NOT_IN_GROUP }
  try {
    const { value: result } = await whenFree(call, () => callVerb(call, 'testKey', { params: { id } }))
    if (result.valid) return { key_value: value, is_valid: true }
    const error = [result.status ?? '', result.code, result.message].filter((part) => part !== '').join(' ')
    return { key_value: value, is_valid: false, error }
  } catch (error) {
    // Deleted since it was looked up; anything else is the whole request's.
    const problem = describeFailure(error)
    if (problem.code !== 'not_found') throw error
    return { key_value: value, is_valid: false, error: call.texts.KEY_NOT_IN_GROUP }
  }
}

/** Slots of manual probes are shared by everybody. */
async function whenFree<T>({ ctx, response }: RouteCall<unknown>, probe: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await probe()
    } catch (error) {
      const isBusy = error instanceof ApiProblem && error.code === 'too_many_requests'
      if (!isBusy || response.destroyed) throw error
      await ctx.clock.sleep(busyRetryMs)
    }
  }
}
