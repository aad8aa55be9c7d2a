import { integrationEntry } from '@gpt-load/channels/integration'
import { findAccessKey } from '@gpt-load/channels/proxy-credentials'
import { proxyErrors } from '@gpt-load/contracts/proxy-errors'
import { opensGroup } from '../plan/access-key-index.ts'
import type { GroupPlan } from '../plan/group-plan.ts'
import type { PolicyStore } from '../plan/policy-store.ts'
import type { KeyTable } from '../key-table/key-table.ts'
import type { Route } from './match-request.ts'

/** What the data plane answers by itself, in GPT-Load's envelope. */
export type LocalAnswer = { status: number; body: object }

export function answerHealth(policies: PolicyStore, table: KeyTable, startedMs: number): LocalAnswer {
  let total = 0
  let healthy = 0
  for (const plan of policies.plans()) {
    if (plan.isAggregate) continue
    total += table.count(plan.number)
    healthy += table.usableCount(plan.number)
  }
  const body = {
    status: 'healthy',
    timestamp: new Date().toISOString(),
    uptime: goDuration(performance.now() - startedMs),
    healthy_keys: healthy,
    total_keys: total,
  }
  return { status: 200, body }
}

/** gpt-load/admin-api.md 9: what panels ask for. One group, or all that the access key opens. */
export function answerIntegrationInfo(policies: PolicyStore, route: Route, rawHeaders: readonly string[]): LocalAnswer {
  const token = findAccessKey(route.query, rawHeaders)
  if (token === '') return failure(400, 'VALIDATION_FAILED', 'Send an access key as ?key=.')
  const accessKey = policies.accessKeys.find(token, policies.serverNowMs())
  if (accessKey === null) return failure(401, 'UNAUTHORIZED', proxyErrors.UNAUTHORIZED.message)
  const isGroup = route.kind === 'group_info'
  const named = isGroup ? policies.groupByName(route.groupName) : undefined
  if (isGroup && named === undefined) return failure(404, 'NOT_FOUND', proxyErrors.NOT_FOUND.message)
  const asked = named === undefined ? [...policies.plans()] : [named]
  const opened = asked.filter((plan) => plan.isEnabled && opensGroup(accessKey, plan.id))
  if (opened.length === 0) return failure(400, 'VALIDATION_FAILED', 'This access key opens no such group.')
  const data = opened.map((plan) => integrationEntry(describe(plan), isGroup ? 'group' : 'all'))
  return { status: 200, body: { code: 0, message: 'Success', data } }
}

function describe(plan: GroupPlan) {
  const { name, displayName, channel, validationEndpoint, testModel } = plan
  return { name, displayName, channel: channel.type, validationEndpoint, testModel }
}

function failure(status: number, code: string, message: string): LocalAnswer {
  return { status, body: { code, message } }
}

/** `1h2m3s`, as GPT-Load writes it. */
function goDuration(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1_000)
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60)]
  const rest = `${seconds % 60}s`
  if (hours > 0) return `${hours}h${minutes}m${rest}`
  return minutes > 0 ? `${minutes}m${rest}` : rest
}
