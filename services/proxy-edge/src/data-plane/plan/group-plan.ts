import type { Channel } from '@gpt-load/channels/channel'
import type { Settings } from '@gpt-load/contracts/settings'
import type { KeyPolicy } from '@gpt-load/key-health/key-policy'
import type { Circuit } from '../upstream-health/upstream-health.ts'
import type { CallerCaps } from '../caller-limits/caller-caps.ts'
import type { PickRules } from '../key-table/pick-rules.ts'
import type { ErrorRules } from '../error-rules.ts'
import type { HeaderRules } from './header-rules.ts'
import type { KeyAffinity } from './key-affinity.ts'
import type { ModelRedirector } from './model-redirects.ts'
import type { UpstreamTarget } from './upstream-target.ts'
import type { WeightedRotation } from './weighted-rotation.ts'

/**
 * What the request path reads of a group: everything decided, nothing to look up. Immutable but for the rotations' counters.
 * An aggregate is the same with members in place of upstreams.
 */
export type GroupPlan = {
  readonly id: number
  /** In the key table. */
  readonly number: number
  readonly name: string
  readonly displayName: string
  readonly isEnabled: boolean
  readonly channel: Channel
  readonly testModel: string
  readonly validationEndpoint: string
  readonly settings: Settings
  readonly keyPolicy: KeyPolicy
  readonly circuit: Circuit
  readonly errorRules: ErrorRules | null
  /** Null: no limit of requests or tokens in a minute. */
  readonly callerCaps: CallerCaps | null
  /** Null: round robin. */
  readonly pickRules: PickRules | null
  /** Null: requests are not kept together. */
  readonly affinity: KeyAffinity | null
  readonly upstreams: readonly UpstreamTarget[]
  readonly upstreamRotation: WeightedRotation
  readonly members: readonly GroupPlan[]
  readonly memberRotation: WeightedRotation
  readonly isAggregate: boolean
  readonly headerRules: HeaderRules
  /** JSON text per top-level member; null = none. */
  readonly overrides: Readonly<Record<string, string>> | null
  readonly redirects: ModelRedirector | null
  /** 1 at each status that fails over; null = automatic, by error class. */
  readonly failover: Uint8Array | null
  /** A rule of this group, or of a member, may have to rewrite the body. */
  readonly rewritesBody: boolean
}
