import { hopHeader } from '@gpt-load/contracts/proxy-errors'
import type { RequestBody } from '../body/request-body.ts'
import type { GroupPlan } from '../plan/group-plan.ts'
import type { HeaderVariables } from '../plan/header-rules.ts'
import type { RequestFacts } from '../request-facts.ts'
import type { Target } from '../select-target.ts'
import type { UpstreamRequest } from '../wire/upstream-exchange.ts'
import { shapeBody } from './shape-body.ts'
import { passRequestHeaders } from './shape-headers.ts'
import { shapeTarget } from './shape-target.ts'

export type Shapeable = {
  readonly facts: RequestFacts
  readonly outer: GroupPlan
  readonly body: RequestBody
  /** Plain JSON of a compressed body; null = the body is plain. */
  readonly decodedBody: Uint8Array | null
  readonly rawHeaders: readonly string[]
  /** As the caller framed it. */
  readonly contentLength: number
  readonly hops: number
  readonly isUpgrade: boolean
}

/**
 * One attempt's request, made from what the caller sent. Order (gpt-load/proxy.md 6): credentials off, overrides, redirect,
 * channel authentication, header rules. An untouched body keeps its bytes and its framing.
 */
export function shapeRequest(source: Shapeable, target: Target, variables: HeaderVariables): UpstreamRequest {
  const { facts, outer, body } = source
  const { plan, upstream, secret, model } = target
  const { channel, settings } = plan
  const isRenamed = facts.place === 'path' && model !== facts.model
  const path = isRenamed ? channel.replaceModelInPath(facts.path, model) : facts.path
  const shaped = shapedBody(source, plan, model)
  const headers = passRequestHeaders(source.rawHeaders, {
    host: upstream.host,
    passesClientHeaders: settings.forward_client_headers,
    dropsEncoding: shaped !== null && source.decodedBody !== null,
  })
  headers.push(hopHeader, String(source.hops + 1))
  channel.placeKey(headers, secret, facts)
  if (outer !== plan) outer.headerRules.apply(headers, variables)
  plan.headerRules.apply(headers, variables)
  return {
    origin: upstream.origin,
    method: facts.method,
    target: shapeTarget(upstream, path, facts.query, settings.join_v1, channel),
    rawHeaders: headers,
    body: shaped ?? (body.isAtHand && body.bytes > 0 ? body.whole() : null),
    contentLength: shaped === null ? framedLength(source) : shaped.length,
    isUpgrade: source.isUpgrade,
    mayResend: facts.stateful?.isCreation !== true,
  }
}

function shapedBody({ facts, outer, body, decodedBody }: Shapeable, plan: GroupPlan, model: string): Uint8Array | null {
  if (!outer.rewritesBody || !facts.hasObject || !body.isAtHand) return null
  const sent = facts.place === 'body' ? model : ''
  return shapeBody(decodedBody ?? body.whole(), outer, plan, facts.bodyModel, sent)
}

/** An empty chunked body is still chunked to the caller's eyes; nothing is lost by sending none. */
function framedLength({ body, contentLength }: Shapeable): number {
  return body.isComplete && body.bytes === 0 ? 0 : contentLength
}
