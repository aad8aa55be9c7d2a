import type { DeadlineSource } from '@gpt-load/contracts/error-class'
import type { KeyPolicy } from './key-policy.ts'

export type Deadline = { until: number; source: DeadlineSource }

/** Over this a pool that was limited all at once comes back: a tenth of the wait, at most ten seconds. */
const maxJitterMs = 10_000

/**
 * What the provider named, else the policy's default, cut at `maxCooldownMs` from now. Epoch ms.
 *
 * @param jitter from [0, 1); delays the return a little, never past the cut
 */
export function chooseDeadline(
  named: { until: number; source: DeadlineSource },
  state: 'cooling' | 'exhausted',
  policy: KeyPolicy,
  nowMs: number,
  jitter = 0,
): Deadline {
  const isNamed = named.until > nowMs
  const defaultMs = state === 'cooling' ? policy.rateLimitCooldownMs : policy.quotaCooldownMs
  const waitMs = isNamed ? named.until - nowMs : defaultMs
  const spreadMs = Math.floor(Math.min(waitMs / 10, maxJitterMs) * jitter)
  const until = nowMs + Math.min(waitMs + spreadMs, policy.maxCooldownMs)
  return { until, source: isNamed ? named.source : 'default' }
}
