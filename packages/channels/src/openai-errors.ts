import type { Classification, UpstreamFailure } from './channel.ts'
import { client, doubtfulKey, judge, keyAuth, keyQuota, rateLimit, tableOf, upstream } from './classification.ts'
import type { ErrorRules } from './classification.ts'
import { parseProviderError } from './provider-error.ts'
import { relayCodes } from './relay-errors.ts'
import { preambleError } from './stream-preamble.ts'

/**
 * OpenAI's errors. Sources: its API reference and the guide "Error codes" (both 2026-08), the error types of its SDKs,
 * and for the compatible providers their own references: DeepSeek (402), Moonshot (`…_error` types).
 *
 * `rate_limit_exceeded` concerns the whole key here, though OpenAI counts by model: compatible servers and relays, which
 * most groups of this type point to, count by key.
 */
export const openaiRules: ErrorRules = {
  codes: new Map([
    ...relayCodes,
    ...tableOf({
      // 401, the key itself
      invalid_api_key: keyAuth,
      invalid_authentication: keyAuth,
      account_deactivated: keyAuth,
      access_terminated: keyAuth,
      // 401, the key lacks a scope that another may have, or its project refuses our address
      missing_scope: doubtfulKey,
      insufficient_permissions: doubtfulKey,
      ip_not_authorized: doubtfulKey,
      // 401, organisation and project are headers of the caller's
      mismatched_organization: client,
      mismatched_project: client,
      invalid_organization: client,
      invalid_project: client,
      // 403, our place in the world, not the key
      unsupported_country_region_territory: upstream,
      // 400 and 429, money
      billing_hard_limit_reached: keyQuota,
      billing_not_active: keyQuota,
      insufficient_quota: keyQuota,
      exceeded_current_quota_error: keyQuota,
      // 429
      rate_limit_exceeded: rateLimit,
      rate_limit_reached_error: rateLimit,
      // 400, 403, 404, 413, 429 at relays: the request
      context_length_exceeded: client,
      string_above_max_length: client,
      model_not_found: client,
      content_policy_violation: client,
      content_filter: client,
      invalid_prompt: client,
      moderation_blocked: client,
      // 5xx, 429 of an engine that is busy for everybody
      server_error: upstream,
      slow_down: upstream,
      engine_overloaded_error: upstream,
      server_is_overloaded: upstream,
    }),
  ]),
  sentences: [],
  types: tableOf({
    invalid_request_error: client,
    not_found_error: client,
    authentication_error: keyAuth,
    permission_error: doubtfulKey,
    rate_limit_error: rateLimit,
    api_error: upstream,
  }),
}

export function classifyOpenai(failure: UpstreamFailure): Classification {
  return judge(failure, parseProviderError(failure.body), openaiRules)
}

export function classifyOpenaiPreamble(text: string, nowMs: number): Classification | null {
  return judgePreamble(text, nowMs, openaiRules)
}

export function judgePreamble(text: string, nowMs: number, rules: ErrorRules): Classification | null {
  const found = preambleError(text)
  if (found === null) return null
  return judge({ status: found.status, headers: [], body: text, nowMs, model: '' }, found.error, rules)
}
