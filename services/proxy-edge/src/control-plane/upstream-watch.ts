import type { EdgeReport } from '@gpt-load/contracts/edge-report'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import type { UpstreamHealth } from '../data-plane/upstream-health/upstream-health.ts'
import type { UpstreamSlots } from './upstream-slots.ts'

/** Tells people what the workers have learnt of upstreams: in reports, metrics, and one log line per opening and closing. */
export interface UpstreamWatch {
  /** What is not closed now; logs what has changed since the last call. */
  open(): EdgeReport['open_upstreams']
  /** Circuits opened since the start, of upstreams that are still there. */
  openings(): number
}

const maxReported = 50

export function createUpstreamWatch(options: {
  slots: UpstreamSlots
  health: UpstreamHealth
  clock: Pick<Clock, 'nowMs'>
  logger: Logger
}): UpstreamWatch {
  const { slots, health, clock, logger } = options
  let known = new Set<number>()

  function note(
    groupId: number,
    upstreamId: number,
    { consecutiveFailures, isThrottled }: { consecutiveFailures: number; isThrottled: boolean },
  ): void {
    if (known.has(upstreamId)) return
    const why = isThrottled ? { throttled: true } : { consecutive_failures: consecutiveFailures }
    const fields = { group: groupId, upstream: upstreamId, ...why }
    logger.warn(fields, 'the circuit of an upstream is open: others are preferred')
  }

  return {
    open() {
      const found: EdgeReport['open_upstreams'] = []
      const now = new Set<number>()
      for (const { groupId, upstreamId, slot } of slots.entries()) {
        if (health.isClosed(slot)) continue
        const { state, retryInMs, consecutiveFailures, openings, isThrottled } = health.stateOf(slot)
        if (state === 'closed') continue
        now.add(upstreamId)
        note(groupId, upstreamId, { consecutiveFailures, isThrottled })
        if (found.length < maxReported)
          found.push({
            group_id: groupId,
            upstream_id: upstreamId,
            state,
            retry_at: clock.nowMs() + retryInMs,
            consecutive_failures: consecutiveFailures,
            openings,
            is_throttled: isThrottled,
          })
      }
      for (const upstream of known)
        if (!now.has(upstream)) logger.info({ upstream }, 'the circuit of an upstream is closed again')
      known = now
      return found
    },
    openings() {
      let total = 0
      for (const { slot } of slots.entries()) total += health.stateOf(slot).openings
      return total
    },
  }
}
