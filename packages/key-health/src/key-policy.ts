import type { Settings } from '@gpt-load/contracts/settings'

/** What of the settings decides about keys. */
export type KeyPolicy = {
  /** Consecutive key_auth failures before a key is invalid; 0 = never. */
  readonly blacklistThreshold: number
  readonly rateLimitCooldownMs: number
  readonly quotaCooldownMs: number
  /** A deadline that an upstream names is cut at this. */
  readonly maxCooldownMs: number
}

export function keyPolicyOf(settings: Settings): KeyPolicy {
  return {
    blacklistThreshold: settings.blacklist_threshold,
    rateLimitCooldownMs: settings.rate_limit_cooldown_ms,
    quotaCooldownMs: settings.quota_cooldown_ms,
    maxCooldownMs: settings.max_cooldown_ms,
  }
}
