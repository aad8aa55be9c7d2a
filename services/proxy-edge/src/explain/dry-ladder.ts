import type { Explanation } from '@gpt-load/contracts/explanation'
import { keyHint } from '@gpt-load/contracts/key-hint'
import { failureOfAnswer, type AttemptFailure } from '../data-plane/attempt-failure.ts'
import { failsOver, isRepeatable, isUpstreamFault, longestBackoffMs } from '../data-plane/retry-policy.ts'
import { type SelectorServices, type Target, TargetSelector } from '../data-plane/select-target.ts'
import type { DryRequest } from './dry-request.ts'

export type Ladder = Explanation['ladders'][number]
export type Step = Ladder['steps'][number]

/** Longer ones are cut: aggregates may have hundreds of attempts in them. */
const maxSteps = 32

export function openSelector(services: SelectorServices, { outer, facts, accessKey }: DryRequest): TargetSelector {
  return new TargetSelector(services, outer, facts, accessKey.id)
}

/** The attempts of one request if every answer had that status. The request path's own selector and retry rules decide. */
export function climb(services: SelectorServices, request: DryRequest, status: number, nowMs: number): Ladder {
  const selector = openSelector(services, request)
  const isCreation = request.facts.stateful?.isCreation === true
  const steps: Step[] = []
  let isRetried = false
  let waitMs = 0
  let target = selector.select()
  while (target !== null && steps.length < maxSteps) {
    steps.push(describeStep(target, waitMs))
    const failure = answerOf(status, target, nowMs)
    if (!failsOver(target.plan, failure) || !isRepeatable(isCreation, failure, true)) break
    isRetried = true
    const isUpstreams = isUpstreamFault(target.plan, failure)
    if (isUpstreams) selector.upstreamFailed(target)
    else selector.keyFailed(target.slot)
    const next = selector.select()
    waitMs = isUpstreams && next?.upstream === target.upstream ? longestBackoffMs(steps.length) : 0
    target = next
  }
  selector.release()
  return { on_status: status, is_retried: isRetried, steps }
}

export function describeStep({ plan, keyId, secret, upstream, isTrial }: Target, waitMs: number): Step {
  return {
    group: plan.name,
    key_id: keyId,
    key_hint: keyHint(secret),
    upstream: upstream.label,
    is_trial: isTrial,
    wait_ms: waitMs,
  }
}

function answerOf(status: number, { plan, model, secret }: Target, nowMs: number): AttemptFailure {
  const classification = plan.channel.classify({ status, headers: [], body: '', nowMs, model })
  const nothing = new Uint8Array(0)
  const answer = {
    status,
    reason: '',
    rawHeaders: [],
    body: nothing,
    rawTrailers: [],
    isWhole: true,
    decoded: null,
    secret,
    mask: '',
  }
  return failureOfAnswer(answer, classification, false)
}
