import type { Classification, UpstreamFailure } from './channel.ts'
import {
  client,
  doubtfulKey,
  doubtfulQuota,
  judge,
  keyAuth,
  keyQuota,
  rateLimit,
  tableOf,
  upstream,
} from './classification.ts'
import type { ErrorRules } from './classification.ts'
import { judgePreamble } from './openai-errors.ts'
import { parseProviderError } from './provider-error.ts'
import { relayCodes } from './relay-errors.ts'

/**
 * Anthropic's errors. Source: API reference "Errors" (2026-08); the sentences: anthropics/claude-code issues 66314, 2127,
 * 38035, 29584. An empty balance and a spent budget come as 400 `invalid_request_error`, told from a caller's mistake by
 * their sentence alone: it must be the complete message, and the next key must accept the same request.
 */
export const anthropicRules: ErrorRules = {
  codes: new Map([
    ...relayCodes,
    ...tableOf({
      authentication_error: keyAuth,
      billing_error: keyQuota,
      permission_error: doubtfulKey,
      not_found_error: client,
      request_too_large: client,
      conflict_error: client,
      api_error: upstream,
      timeout_error: upstream,
      overloaded_error: upstream,
    }),
  ]),
  sentences: [
    {
      pattern:
        /^Your credit balance is too low to access the (?:Anthropic|Claude) API\. Please go to Plans & Billing to upgrade or purchase credits\.$/,
      verdict: doubtfulQuota,
    },
    {
      pattern:
        /^You have reached your specified API usage limits\. You will regain access on (\d{4}-\d{2}-\d{2}) at (\d{2}:\d{2}) UTC\.$/,
      verdict: doubtfulQuota,
      untilOf: ([, day, time]) => Date.parse(`${day}T${time}:00Z`),
    },
    { pattern: /^This organization has been disabled\.$/, verdict: doubtfulKey },
    // A 429 that no waiting cures: the request is longer than the plan allows.
    { pattern: /^Extra usage is required for long context requests\.$/, verdict: client },
  ],
  types: tableOf({ invalid_request_error: client, rate_limit_error: rateLimit }),
}

export function classifyAnthropic(failure: UpstreamFailure): Classification {
  return judge(failure, parseProviderError(failure.body), anthropicRules)
}

export function classifyAnthropicPreamble(text: string, nowMs: number): Classification | null {
  return judgePreamble(text, nowMs, anthropicRules)
}
