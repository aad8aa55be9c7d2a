import { RequestScanner } from '@gpt-load/channels/request-scanner'
import type { ExplainedRequest } from '@gpt-load/contracts/explanation'
import type { ProxyErrorCode } from '@gpt-load/contracts/proxy-errors'
import { BodyMemory } from '../data-plane/body/body-memory.ts'
import { ReplayBudget } from '../data-plane/body/replay-budget.ts'
import { RequestBody } from '../data-plane/body/request-body.ts'
import { createCounterBuffer, RequestCounters } from '../data-plane/observe/counters.ts'
import type { AccessKey } from '../data-plane/plan/access-key-index.ts'
import type { GroupPlan } from '../data-plane/plan/group-plan.ts'
import type { PolicyStore } from '../data-plane/plan/policy-store.ts'
import { completeFacts, RequestFacts } from '../data-plane/request-facts.ts'
import { admit } from '../data-plane/route/admit.ts'
import { countHops } from '../data-plane/route/count-hops.ts'
import { matchRequest } from '../data-plane/route/match-request.ts'
import { isListedModelOffered, isModelOffered } from '../data-plane/shape/decide-model.ts'
import type { Shapeable } from '../data-plane/shape/shape-request.ts'

/** A request as admission leaves it, made from its description: same passes, no connection. */
export type DryRequest = Shapeable & { readonly accessKey: AccessKey }
export type DryVerdict = {
  /** Null: it goes on, and `request` is there. */
  refusal: ProxyErrorCode | null
  plan: GroupPlan | null
  accessKey: AccessKey | null
  request: DryRequest | null
}

const maxScannedBytes = 65_536
/** For whoever asks without a key. */
const keyOfEverybody: AccessKey = {
  id: 0,
  name: '',
  isEnabled: true,
  expiresAtMs: 0,
  opensAll: true,
  groupIds: new Set(),
  defaultGroupId: 0,
  caps: null,
  limitNumber: -1,
}

export function admitDry(policies: PolicyStore, asked: ExplainedRequest): DryVerdict {
  const { method, access_key_id: id } = asked
  const rawHeaders = ['Host', 'localhost', ...asked.headers.flat()]
  if (asked.body !== '' && !asked.headers.some(([name]) => name.toLowerCase() === 'content-type'))
    rawHeaders.push('Content-Type', 'application/json')
  const hops = countHops(rawHeaders)
  const caller = id === null ? keyOfEverybody : policies.accessKeys.findById(id, policies.serverNowMs())
  const target = asked.group === '' ? asked.path : `/proxy/${asked.group}${asked.path}`
  const route = matchRequest(target, false)
  if (route.kind !== 'proxy') return { refusal: 'NOT_FOUND', plan: null, accessKey: caller, request: null }
  const { refusal, plan, accessKey } = admit(policies, route, { method, hops, accessKey: caller })
  if (refusal !== null || plan === null || accessKey === null)
    return { refusal: refusal ?? 'NOT_FOUND', plan, accessKey, request: null }
  const body = bodyOf(asked.body)
  const facts = new RequestFacts(plan.channel, method, route.path, route.query, rawHeaders)
  const scanner = new RequestScanner({ maxBytes: maxScannedBytes })
  scanner.push(body.whole())
  completeFacts(facts, plan, { rawHeaders, scanner, body })
  const request: DryRequest = {
    facts,
    outer: plan,
    body,
    decodedBody: null,
    rawHeaders,
    contentLength: body.bytes,
    hops,
    isUpgrade: false,
    accessKey,
  }
  const isOffered =
    isListedModelOffered(plan, method, route.path) &&
    (plan.isAggregate || isModelOffered(plan, plan, facts.model, facts.place))
  return { refusal: isOffered ? null : 'MODEL_NOT_ALLOWED', plan, accessKey, request }
}

function bodyOf(text: string): RequestBody {
  const bytes = Buffer.from(text)
  const counters = new RequestCounters(createCounterBuffer())
  const body = new RequestBody({
    memory: new BodyMemory(counters),
    budget: new ReplayBudget(Infinity, counters),
    maxHeldBytes: bytes.length,
    contentLength: bytes.length,
  })
  if (bytes.length > 0) body.add(bytes)
  body.complete([])
  return body
}
