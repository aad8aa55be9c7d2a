import type { Express, Request, Response } from 'express'
import { integrationEntry } from '@gpt-load/channels/integration'
import { findAccessKey } from '@gpt-load/channels/proxy-credentials'
import type { IntegrationEntry } from '@gpt-load/contracts/api/integration'
import type { ChannelType } from '@gpt-load/contracts/channel-types'
import type { Services } from '../services.ts'
import type { ClientAddressOf } from './client-address.ts'
import { describeFailure } from './describe-failure.ts'
import type { FailureThrottle } from './failure-throttle.ts'

/**
 * What panels such as new-api ask for with an access key: the groups that it opens. GPT-Load's envelope and codes, since
 * they read them (gpt-load/admin-api.md 9). Wrong keys are throttled per client address.
 */
export type IntegrationInfoOptions = {
  services: Services
  throttle: FailureThrottle
  clientAddressOf: ClientAddressOf
}

type Answer = { status: number; body: object; retryAfterSeconds?: number }

export function bindIntegrationInfo(app: Express, options: IntegrationInfoOptions): void {
  app.get('/api/integration/info', (request, response) => answer(request, response, null, options))
  app.get('/proxy/:group/api/integration/info', (request, response) =>
    answer(request, response, request.params.group, options),
  )
}

async function answer(
  request: Request,
  response: Response,
  groupName: string | null,
  options: IntegrationInfoOptions,
): Promise<void> {
  const { status, body, retryAfterSeconds } = await describe(request, groupName, options)
  if (retryAfterSeconds !== undefined) response.setHeader('retry-after', String(retryAfterSeconds))
  response.status(status).json(body)
}

async function describe(
  request: Request,
  groupName: string | null,
  { services, throttle, clientAddressOf }: IntegrationInfoOptions,
): Promise<Answer> {
  const address = clientAddressOf(request)
  const waitMs = throttle.waitMs(address)
  if (waitMs > 0) return refusal(429, 'TOO_MANY_REQUESTS', 'Too many wrong keys.', Math.ceil(waitMs / 1_000))
  const query = request.originalUrl.split('?')[1] ?? ''
  const token = findAccessKey(query, request.rawHeaders)
  if (token === '') return refusal(400, 'VALIDATION_FAILED', 'Give an access key as ?key=.')
  try {
    const accessKey = await findUsableAccessKey(services, token)
    if (accessKey === null) {
      throttle.recordFailure(address)
      return refusal(401, 'UNAUTHORIZED', 'No valid access key.')
    }
    return await describeGroups(services, accessKey, groupName)
  } catch (error) {
    const problem = describeFailure(error)
    if (problem.code !== 'unavailable') throw error
    return refusal(503, 'DATABASE_ERROR', 'The database is away. Try again.', 2)
  }
}

type OpenGroups = { allGroups: boolean; groupIds: number[] }

async function findUsableAccessKey({ store, keyring, clock }: Services, token: string): Promise<OpenGroups | null> {
  const row = await store.database.accessKey.findUnique({
    where: { hash: keyring.hashToken(token) },
    include: { groups: true },
  })
  const isExpired = row !== null && row.expires_at > 0n && Number(row.expires_at) <= clock.nowMs()
  if (row === null || !row.enabled || isExpired) return null
  return { allGroups: row.all_groups, groupIds: row.groups.map(({ group_id }) => group_id) }
}

async function describeGroups({ store }: Services, opens: OpenGroups, groupName: string | null): Promise<Answer> {
  const groups = await store.database.group.findMany({
    where: {
      ...(groupName === null ? {} : { name: groupName }),
      ...(opens.allGroups ? {} : { id: { in: opens.groupIds } }),
    },
    orderBy: [{ sort: 'asc' }, { id: 'desc' }],
  })
  if (groups.length === 0 && groupName !== null && !(await groupExists(store, groupName)))
    return refusal(404, 'NOT_FOUND', 'There is no such group.')
  const enabled = groups.filter((group) => group.enabled)
  if (enabled.length === 0) return refusal(400, 'VALIDATION_FAILED', 'This access key opens no such group.')
  const data = enabled.map((group) => toEntry(group, groupName === null ? 'all' : 'group'))
  return { status: 200, body: { code: 0, message: 'Success', data } }
}

async function groupExists(store: Services['store'], name: string): Promise<boolean> {
  return (await store.database.group.count({ where: { name } })) > 0
}

function toEntry(
  group: { name: string; display_name: string; channel: string; validation_endpoint: string; test_model: string },
  scope: 'all' | 'group',
): IntegrationEntry {
  const { name, display_name: displayName, validation_endpoint: validationEndpoint } = group
  const channel = group.channel as ChannelType
  const testModel = group.test_model
  return integrationEntry({ name, displayName, channel, validationEndpoint, testModel }, scope) as IntegrationEntry
}

function refusal(status: number, code: string, message: string, retryAfterSeconds?: number): Answer {
  return { status, body: { code, message }, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) }
}
