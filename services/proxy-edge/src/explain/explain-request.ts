// What this edge would do with a request, computed from its own plan by the functions that the request path uses: admission,
// selector, shaping, retry rules. It runs on the main thread, over the memory that the workers share, and changes nothing there.

import type { ExplainedRequest, Explanation } from '@gpt-load/contracts/explanation'
import { proxyErrors, type ProxyErrorCode } from '@gpt-load/contracts/proxy-errors'
import { maskOf, maskText } from '../data-plane/answer/mask-secret.ts'
import { poolState } from '../data-plane/answer/pool-state.ts'
import type { KeyTable } from '../data-plane/key-table/key-table.ts'
import type { GroupPlan } from '../data-plane/plan/group-plan.ts'
import type { PolicyStore } from '../data-plane/plan/policy-store.ts'
import type { UpstreamTarget } from '../data-plane/plan/upstream-target.ts'
import type { SelectorServices, Target, TargetSelector } from '../data-plane/select-target.ts'
import { decideModel, isModelOffered } from '../data-plane/shape/decide-model.ts'
import { shapeRequest } from '../data-plane/shape/shape-request.ts'
import type { UpstreamHealth } from '../data-plane/upstream-health/upstream-health.ts'
import { admitDry, type DryRequest } from './dry-request.ts'
import { climb, describeStep, openSelector } from './dry-ladder.ts'
import { createDryServices } from './dry-services.ts'

export type ExplainContext = {
  edge: string
  position: { epoch: string; revision: number }
  policies: PolicyStore
  table: KeyTable
  health: UpstreamHealth
}

/** A refused key, a limited one, an upstream in trouble. */
const ladderStatuses = [401, 429, 503]

export function explainRequest(context: ExplainContext, asked: ExplainedRequest): Explanation {
  const { edge, position, policies, table, health } = context
  const verdict = admitDry(policies, asked)
  const { request, plan, accessKey: key } = verdict
  const head = {
    edge,
    ...position,
    group: plan?.name ?? '',
    access_key: key === null || key.id === 0 ? null : { id: key.id, name: key.name },
    model: request?.facts.model ?? '',
    is_stream: request === null ? false : request.outer.channel.isStream(request.facts),
    candidates: request === null ? [] : describeCandidates(context, request),
  }
  if (request === null || verdict.refusal !== null)
    return {
      ...head,
      refusal: refusalOf(verdict.refusal ?? 'NOT_FOUND', 0),
      key_choice: 'none',
      attempt: null,
      ladders: [],
    }

  const services = createDryServices(table, health)
  const selector = openSelector(services, request)
  const target = selector.select()
  const explanation: Explanation = {
    ...head,
    refusal: target === null ? poolRefusal(table, request, selector) : null,
    key_choice: target === null ? 'none' : keyChoice(request, selector, target),
    attempt: target === null ? null : describeAttempt(request, target, asked.client_address),
    ladders: target === null ? [] : ladders(services, request, policies.serverNowMs()),
  }
  selector.release()
  return explanation
}

function ladders(services: SelectorServices, request: DryRequest, nowMs: number): Explanation['ladders'] {
  return ladderStatuses.map((status) => climb(services, request, status, nowMs))
}

function refusalOf(code: ProxyErrorCode, retryAfterSeconds: number): Explanation['refusal'] {
  return { code, status: proxyErrors[code].status, retry_after_s: retryAfterSeconds }
}

function poolRefusal(table: KeyTable, { outer, facts }: DryRequest, selector: TargetSelector): Explanation['refusal'] {
  const isNowhere =
    outer.isAggregate &&
    selector.isModelMissing &&
    !outer.members.some((member) => member.isEnabled && isModelOffered(outer, member, facts.model, facts.place))
  if (isNowhere) return refusalOf('MODEL_NOT_ALLOWED', 0)
  const { code, retryAfterSeconds } = poolState(table, outer, selector)
  return refusalOf(code, retryAfterSeconds)
}

function keyChoice({ facts }: DryRequest, selector: TargetSelector, { plan }: Target): Explanation['key_choice'] {
  if (selector.hasOwner) return 'maker'
  if (facts.isSticky && !plan.settings.keys_share_organization) return 'sticky'
  if (facts.session !== '') return 'session'
  const { key_rotation: rotation } = plan.settings
  return rotation === 'round_robin' ? 'rotation' : rotation
}

function describeCandidates(context: ExplainContext, { outer, facts }: DryRequest): Explanation['candidates'] {
  return (outer.isAggregate ? outer.members : [outer]).map((plan) => {
    const model = decideModel(outer, plan, facts.model, facts.place)
    return {
      group: plan.name,
      is_enabled: plan.isEnabled,
      offers_model: model !== null,
      model_sent: model ?? '',
      ...describeKeys(context.table, plan, model ?? facts.model),
      upstreams: describeUpstreams(context.health, plan),
    }
  })
}

function describeKeys(table: KeyTable, plan: GroupPlan, model: string) {
  const survey = table.survey(plan.pickRules, plan.number, model)
  const { cooling, exhausted, invalid, disabled } = table.countByState(plan.number)
  const reasons = {
    cooling,
    exhausted,
    invalid,
    disabled,
    limited_for_model: survey.limitedForModel,
    at_cap: survey.atCap,
    quota_spent: survey.spent,
  }
  const out = Object.entries(reasons).flatMap(([reason, keys]) =>
    keys === 0 ? [] : [{ reason: reason as keyof typeof reasons, keys }],
  )
  const { active, suspect, surveyed } = survey
  return { keys: table.count(plan.number), active, suspect, out, surveyed }
}

function describeUpstreams(health: UpstreamHealth, { upstreams, upstreamRotation }: GroupPlan) {
  return upstreams.map(({ label, healthSlot }, index) => {
    const known = healthSlot === -1 ? null : health.stateOf(healthSlot)
    return {
      upstream: label,
      weight: upstreamRotation.weightOf(index),
      circuit: known?.state ?? 'closed',
      retry_in_ms: known?.retryInMs ?? 0,
      consecutive_failures: known?.consecutiveFailures ?? 0,
    }
  })
}

/** Rules may set credentials of their own; those of the caller are gone by then. */
const secretHeader = /authorization|cookie|key|token|secret|password|credential|signature/i

function maskHeader(name: string, value: string, secret: string): string {
  if (value.includes(secret)) return maskText(value, secret, maskOf(secret))
  return secretHeader.test(name) ? maskOf(value) : value
}

/** What the upstream's own URL adds to the query may be a credential. */
function describeUrl({ origin, host, baseQuery }: UpstreamTarget, target: string): string {
  let shown = target
  for (const { name, text } of baseQuery) shown = shown.replace(text, `${name}=…`)
  return `${origin.protocol}//${host}${shown}`
}

function describeAttempt(request: DryRequest, target: Target, clientAddress: string): Explanation['attempt'] {
  const { plan, secret, upstream, model } = target
  const shaped = shapeRequest(request, target, {
    clientAddress,
    groupName: plan.name,
    secret,
    requestId: 'dry-run',
    model,
    accessKeyName: request.accessKey.name,
  })
  const headers: [string, string][] = []
  for (let index = 0; index < shaped.rawHeaders.length; index += 2) {
    const [name, value] = [shaped.rawHeaders[index]!, shaped.rawHeaders[index + 1]!]
    headers.push([name, maskHeader(name, value, secret)])
  }
  return {
    ...describeStep(target, 0),
    model,
    method: shaped.method,
    url: describeUrl(upstream, maskText(shaped.target, secret, maskOf(secret))),
    headers,
    is_body_rewritten: shaped.body !== null && request.body.bytes > 0 && shaped.body !== request.body.whole(),
  }
}
