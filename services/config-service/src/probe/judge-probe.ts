import type { Channel } from '@gpt-load/channels/channel'
import type { Cause, KeyFacts } from '@gpt-load/contracts/key-state'
import { chooseDeadline } from '@gpt-load/key-health/deadline'
import { keyPolicyOf } from '@gpt-load/key-health/key-policy'
import { probeFailed, probeSucceeded } from '@gpt-load/key-health/operator-actions'
import type { Settings } from '@gpt-load/contracts/settings'
import { scrubPatterns } from '@gpt-load/service-kit/secret-patterns'
import type { ProbeReply } from './probe-sender.ts'

/**
 * What a probe's answer says about its key. Any 2xx proves it. Rate limits and missing quota take it out for a time, never
 * for good; a refusal that is beyond doubt condemns it; what is the probe's own fault, the upstream's or the network's
 * changes nothing.
 */
export type Verdict = {
  isValid: boolean
  /** The provider refused the key, for a time or for good: not the probe, not the network. */
  isRefused: boolean
  status: number | null
  code: string
  message: string
  apply(facts: KeyFacts): KeyFacts
  cause: Cause
}

type Outcome = { state: 'cooling' | 'exhausted' | 'invalid'; until: number }

const maxMessageLength = 500
const maxNoteLength = 255

export function judgeProbe(options: {
  reply: ProbeReply
  channel: Channel
  settings: Settings
  model: string
  secret: string
  nowMs: number
}): Verdict {
  const { reply, channel, settings, model, secret, nowMs } = options
  if (!reply.isAnswered) return withoutEffect({ status: null, code: '', message: reply.reason, nowMs })
  const { status } = reply
  if (status >= 200 && status < 300)
    return {
      isValid: true,
      isRefused: false,
      status,
      code: '',
      message: 'The key works.',
      apply: probeSucceeded,
      cause: {
        at: nowMs,
        class: 'probe',
        status,
      },
    }
  if (status < 400) return withoutEffect({ status, code: '', message: 'The upstream redirects.', nowMs })
  const judged = channel.classify({ status, headers: reply.headers, body: reply.body, nowMs, model })
  const code = judged.code.slice(0, 100)
  const message = withoutSecret(judged.message, secret).slice(0, maxMessageLength)
  const outcome = outcomeOf(judged, settings, nowMs)
  if (outcome === null) return withoutEffect({ status, code, message, nowMs })
  return {
    isValid: false,
    isRefused: true,
    status,
    code,
    message,
    apply: (facts) => probeFailed(facts, outcome),
    cause: {
      ...causeOf({
        status,
        code,
        message,
        nowMs,
      }),
      ...sourceOf(outcome, judged, nowMs),
    },
  }
}

type Judged = ReturnType<Channel['classify']>

function outcomeOf(judged: Judged, settings: Settings, nowMs: number): Outcome | null {
  const { errorClass, until, deadlineSource, needsCorroboration, isModelScoped } = judged
  if (needsCorroboration || isModelScoped) return null
  if (errorClass === 'key_auth') return { state: 'invalid', until: 0 }
  if (errorClass !== 'rate_limit' && errorClass !== 'key_quota') return null
  const state = errorClass === 'rate_limit' ? 'cooling' : 'exhausted'
  const deadline = chooseDeadline({ until, source: deadlineSource }, state, keyPolicyOf(settings), nowMs)
  return { state, until: deadline.until }
}

function sourceOf({ until }: Outcome, judged: Judged, nowMs: number): Partial<Cause> {
  if (until === 0) return {}
  return { deadline_source: judged.until > nowMs ? judged.deadlineSource : 'default' }
}

type Reason = { status: number | null; code: string; message: string; nowMs: number }

function withoutEffect(reason: Reason): Verdict {
  const { status, code, message } = reason
  return { isValid: false, isRefused: false, status, code, message, apply: (facts) => facts, cause: causeOf(reason) }
}

function causeOf({ status, code, message, nowMs }: Reason): Cause {
  return {
    at: nowMs,
    class: 'probe',
    ...(status === null ? {} : { status }),
    ...(code === '' ? {} : { code }),
    ...(message === '' ? {} : { note: message.slice(0, maxNoteLength) }),
  }
}

/** Providers quote keys in their errors, whole or in part. */
function withoutSecret(message: string, secret: string): string {
  return scrubPatterns(message.replaceAll(secret, '***'))
}
