import assert from 'node:assert/strict'
import type { Cause, KeyState } from '@gpt-load/contracts/key-state'
import { adjustKeyCounts, countChanges } from '../../src/keys/adjust-key-counts.ts'
import type { ApiAnswer, ApiCall, OpenedApi } from '../support/open-api.ts'

/** What a public script does: calls, expects 200 and code 0, reads `data`. */
export function createGptLoadClient(api: Pick<OpenedApi, 'call'>) {
  async function data(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    // Scripts read members that they know of.
    // oxlint-disable-next-line typescript/no-explicit-any
  ): Promise<any> {
    const answer = await api.call(path, { method, body, headers })
    assert.deepEqual([answer.status, answer.body.code], [200, 0], `${method} ${path}: ${answer.text}`)
    assert.equal(typeof answer.body.message, 'string')
    return answer.body.data
  }
  async function refused(call: ApiCall & { path: string }, status: number, code: string): Promise<ApiAnswer> {
    const answer = await api.call(call.path, call)
    assert.deepEqual([answer.status, answer.body.code], [status, code], `${call.path}: ${answer.text}`)
    return answer
  }
  return { data, refused }
}

export const groupInput = (name: string, more: object = {}) => ({
  name,
  channel_type: 'openai',
  test_model: 'gpt-4.1-nano',
  upstreams: [{ url: 'https://api.example.com', weight: 1 }],
  ...more,
})

/** As edges would have it: an active key that a provider has refused. */
export async function putKeyIntoState(
  { store }: Pick<OpenedApi, 'store'>,
  key: { groupId: number; hintEnd: string; state: KeyState; failures?: number; cause?: Cause },
): Promise<void> {
  const { groupId, hintEnd, state, failures = 0, cause } = key
  await store.write(async ({ database, sql }) => {
    const { count } = await database.providerKey.updateMany({
      where: { group_id: groupId, hint: { endsWith: hintEnd } },
      data: { state, failures, cause: cause === undefined ? '' : JSON.stringify(cause) },
    })
    assert.equal(count, 1)
    const after = { state, cause: cause === undefined ? '' : JSON.stringify(cause) }
    const changes = countChanges([
      [{ state: 'active', cause: '' }, -1],
      [after, 1],
    ])
    await adjustKeyCounts(sql, groupId, changes)
  })
}
