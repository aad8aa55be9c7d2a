import type { DeadlineSource } from '@gpt-load/contracts/error-class'
import type { KeyPolicy } from './key-policy.ts'

export type Deadline = { until: number; source: DeadlineSource }

/** What the provider named, else the policy's default, cut at `maxCooldownMs` from now. Epoch ms. */
export function chooseDeadline(
  named: { until: number; source: DeadlineSource },
  state: 'cooling' | 'exhausted',
  policy: KeyPolicy,
  nowMs: number,
): Deadline {
  const latest = nowMs + policy.maxCooldownMs
  if (named.until > nowMs) return { until: Math.min(named.until, latest), source: named.source }
  const defaultMs = state === 'cooling' ? policy.rateLimitCooldownMs : policy.quotaCooldownMs
  return { until: Math.min(nowMs + defaultMs, latest), source: 'default' }
}
