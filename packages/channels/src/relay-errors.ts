import { keyAuth, keyQuota, tableOf } from './classification.ts'

/**
 * Codes of the relays (one-api, new-api) that groups of every type point to: they keep their own codes whatever dialect
 * they speak. Source: the error codes of new-api (`types/error.go`, 2026-08).
 */
export const relayCodes = tableOf({
  insufficient_user_quota: keyQuota,
  pre_consume_token_quota_failed: keyQuota,
  access_denied_token: keyAuth,
})
