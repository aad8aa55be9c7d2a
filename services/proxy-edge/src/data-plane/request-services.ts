import type { TrustCheck } from '@gpt-load/service-kit/forwarded-address'
import type { RequestRecorder } from '../access-log/request-recorder.ts'
import type { BodyMemory } from './body/body-memory.ts'
import type { ReplayBudget } from './body/replay-budget.ts'
import type { CallerLimits } from './caller-limits/caller-limits.ts'
import type { KeyTable } from './key-table/key-table.ts'
import type { LimitHold } from './limit-hold.ts'
import type { RequestCounters } from './observe/counters.ts'
import type { KeyWaitingRoom } from './key-waiting-room.ts'
import type { ContentCaptures } from './observe/content-capture.ts'
import type { KeyOutcomes } from './observe/key-outcomes.ts'
import type { RuleObservations } from './observe/rule-observations.ts'
import type { KeyQuotas } from './observe/key-quotas.ts'
import type { LearntResources } from './observe/learnt-resources.ts'
import type { RequestIds } from './observe/request-id.ts'
import type { PolicyStore } from './plan/policy-store.ts'
import type { CorsPolicy } from './route/cors-policy.ts'
import type { LoadShedder } from './load-shedder.ts'
import type { RequestGate } from './request-gate.ts'
import type { TimerWheel } from './timer-wheel.ts'
import type { TriedLists } from './tried-lists.ts'
import type { UpstreamChooser } from './upstream-health/choose-upstream.ts'
import type { UpstreamHealth } from './upstream-health/upstream-health.ts'
import type { UpstreamWire } from './wire/upstream-exchange.ts'

/** What every request of a worker shares. */
export type RequestServices = {
  readonly policies: PolicyStore
  readonly table: KeyTable
  readonly wire: UpstreamWire
  readonly recorder: RequestRecorder
  readonly contents: ContentCaptures
  readonly outcomes: KeyOutcomes
  readonly observations: RuleObservations
  readonly limits: LimitHold
  readonly quotas: KeyQuotas
  readonly resources: LearntResources
  readonly wheel: TimerWheel
  readonly counters: RequestCounters
  readonly ids: RequestIds
  readonly gate: RequestGate
  readonly callers: CallerLimits
  readonly keyWaitingRoom: KeyWaitingRoom
  readonly shedder: LoadShedder
  readonly replay: ReplayBudget
  readonly bodyMemory: BodyMemory
  readonly triedLists: TriedLists
  readonly upstreams: UpstreamChooser
  readonly upstreamHealth: UpstreamHealth
  readonly cors: CorsPolicy | null
  /** null = nobody is: the peer is the client. */
  readonly isTrustedProxy: TrustCheck | null
}
