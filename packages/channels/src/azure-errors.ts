import type { Classification, UpstreamFailure } from './channel.ts'
import { client, doubtfulKey, judge, keyAuth, keyQuota, tableOf, upstream } from './classification.ts'
import type { ErrorRules, Verdict } from './classification.ts'
import { judgePreamble, openaiRules } from './openai-errors.ts'
import { parseProviderError } from './provider-error.ts'

/** A deployment has limits of its own: another deployment of the same resource, with the same key, goes on. */
const deploymentLimit: Verdict = { errorClass: 'rate_limit', isModelScoped: true }

/**
 * Azure OpenAI's errors: OpenAI's codes and its gateway's, which may be a status in words or digits. Source: Azure OpenAI
 * "Quotas and limits", "Error codes" of the REST reference (2026-08), Azure API Management's 401 body.
 */
export const azureRules: ErrorRules = {
  ...openaiRules,
  codes: new Map([
    ...openaiRules.codes,
    ...tableOf({
      // 401 and 403 come as `401`, `Unauthorized`, `PermissionDenied`: there the status says it better
      invalid_subscription_key: keyAuth,
      // 403: a firewall or a virtual network, which another key does not open
      AccessDenied: doubtfulKey,
      '429': deploymentLimit,
      RateLimitReached: deploymentLimit,
      rate_limit_exceeded: deploymentLimit,
      too_many_requests: deploymentLimit,
      NoCapacity: upstream,
      QuotaExceeded: keyQuota,
      DeploymentNotFound: client,
      ResponsibleAIPolicyViolation: client,
      OperationNotSupported: client,
      InternalServerError: upstream,
      ServiceUnavailable: upstream,
      Timeout: upstream,
    }),
  ]),
}

export function classifyAzure(failure: UpstreamFailure): Classification {
  return judge(failure, parseProviderError(failure.body), azureRules)
}

export function classifyAzurePreamble(text: string, nowMs: number): Classification | null {
  return judgePreamble(text, nowMs, azureRules)
}
