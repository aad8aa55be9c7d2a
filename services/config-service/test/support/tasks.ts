import assert from 'node:assert/strict'
import type { TaskDetail } from '@gpt-load/contracts/api/task'
import { finalTaskStates } from '@gpt-load/contracts/task-state'
import { until } from '@gpt-load/testkit/until'
import type { OpenedApi } from './open-api.ts'

export async function newGroup({ operate }: OpenedApi, name: string, more: object = {}): Promise<number> {
  const upstreams = [{ url: 'https://api.example.com' }]
  return (await operate('createGroup', { body: { name, channel: 'openai', upstreams, ...more } })).body.id
}

/** Starts an import; answers the task's id. */
export async function startImport(
  { operate }: OpenedApi,
  groupId: number,
  raw: string | Uint8Array,
  {
    type = 'text/plain',
    query = '',
    headers = {},
  }: { type?: string; query?: string; headers?: Record<string, string> } = {},
): Promise<number> {
  const call = { params: { id: groupId }, query, raw, headers: { 'content-type': type, ...headers } }
  return (await operate('importKeys', call)).body.id
}

export async function ended({ operate }: OpenedApi, id: number): Promise<TaskDetail> {
  return until(
    async () => {
      const { body } = await operate('getTask', { params: { id } })
      return finalTaskStates.includes(body.state) ? (body as TaskDetail) : undefined
    },
    { what: `the end of task ${id}`, timeoutMs: 60_000 },
  )
}

export async function succeeded(api: OpenedApi, id: number): Promise<TaskDetail> {
  const task = await ended(api, id)
  assert.equal(task.state, 'succeeded', task.error ?? '')
  return task
}

export function counts({ total, processed, succeeded: done, skipped, failed }: TaskDetail): (number | null)[] {
  return [total, processed, done, skipped, failed]
}

export function keyLines(prefix: string, count: number): string {
  return Array.from({ length: count }, (_, n) => `sk-${prefix}-key-${n}-abcdefgh\n`).join('')
}

export async function stateCounts({ operate }: OpenedApi, id: number): Promise<Record<string, number>> {
  return (await operate('getGroup', { params: { id } })).body.key_counts
}
