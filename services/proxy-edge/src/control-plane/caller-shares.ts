import { maxReportedCallers, type CallerDemand, type EdgeReport } from '@gpt-load/contracts/edge-report'
import type { Clock } from '@gpt-load/service-kit/clock'
import { accessKeyRow, type CallerMemory, groupRow } from '../data-plane/caller-limits/caller-memory.ts'
import type { PolicyDistributor } from './policy-distributor.ts'

/**
 * Divides limits of callers among edges by what each is asked for. Every second the demand here is told to the control plane,
 * whose answer says how much it is on all edges; this edge's part of the limit is its part of the demand. Edges that nobody asks
 * keep a little of every limit together, so that the parts of all of them make up the whole and a caller that comes to another edge
 * is not shut out until that one has heard.
 *
 * Demand is what wants to enter, refused or not: a caller that one edge refuses for too small a part gets a larger one there.
 */
export interface CallerShares {
  /** For a report: the callers that ask for most. */
  list(): EdgeReport['caller_demand']
  /** The answer to it. */
  learn(answer: { liveEdges: number; demand: readonly CallerDemand[] }): void
}

export type CallerSharesOptions = {
  memory: CallerMemory
  policies: Pick<PolicyDistributor, 'groupIds' | 'groupNumberOf' | 'limitedAccessKeys'>
  /** Requests under way, by number of the limited access key. */
  underWay(limitNumber: number): number
  clock: Clock
}

/** Reports that follow each other faster say the same. */
const sampleIntervalMs = 900
/** What was asked for so long ago counts by 1/e. */
const memoryMs = 5_000
/** Of a limit, kept in equal parts by all edges. */
const equalPart = 0.1
/** Less is none: a request in 100 seconds. */
const leastDemand = 0.01

type Seen = { arrivals: number; rate: number }

export function createCallerShares({ memory, policies, underWay, clock }: CallerSharesOptions): CallerShares {
  const seen = new Map<number, Seen>()
  let told: (CallerDemand & { row: number })[] = []
  let divided: number[] = []
  let sampledAtMs = -Infinity

  function sample(): void {
    const nowMs = clock.monotonicMs()
    const passedMs = nowMs - sampledAtMs
    if (passedMs < sampleIntervalMs) return
    sampledAtMs = nowMs
    const present = new Set<number>()
    const all: (CallerDemand & { row: number })[] = []
    const look = (kind: CallerDemand['kind'], id: number, row: number, open: number): void => {
      present.add(row)
      const demand = rateOf(row, passedMs) + open
      if (demand >= leastDemand) all.push({ kind, id, row, demand: Math.round(demand * 100) / 100 })
    }
    for (const id of policies.groupIds) look('group', id, groupRow(policies.groupNumberOf(id)), 0)
    for (const { id, limitNumber } of policies.limitedAccessKeys())
      look('access_key', id, accessKeyRow(limitNumber), underWay(limitNumber))
    for (const row of seen.keys()) if (!present.has(row)) seen.delete(row)
    told = all.toSorted((a, b) => b.demand - a.demand).slice(0, maxReportedCallers)
  }

  /** Requests a second, of late. */
  function rateOf(row: number, passedMs: number): number {
    const arrivals = memory.arrivals[row] as number
    const former = seen.get(row)
    if (former === undefined) {
      // Who never asked for anything needs no memory; the counter may be another's before.
      if (arrivals !== 0) seen.set(row, { arrivals, rate: 0 })
      return 0
    }
    const kept = Math.exp(-passedMs / memoryMs)
    const rate = ((arrivals - former.arrivals) >>> 0) * (1_000 / passedMs)
    seen.set(row, { arrivals, rate: former.rate * kept + rate * (1 - kept) })
    return former.rate * kept + rate * (1 - kept)
  }

  return {
    list() {
      sample()
      return told.map(({ kind, id, demand }) => ({ kind, id, demand }))
    },
    learn({ liveEdges, demand: totals }) {
      memory.setLiveEdges(liveEdges)
      const totalOf = new Map(totals.map(({ kind, id, demand }) => [`${kind} ${id}`, demand]))
      const known = liveEdges === 1 ? [] : told.filter(({ kind, id }) => (totalOf.get(`${kind} ${id}`) ?? 0) > 0)
      for (const { kind, id, row, demand } of known) {
        const ofAll = Math.min(1, demand / (totalOf.get(`${kind} ${id}`) as number))
        memory.setShare(row, (1 - equalPart) * ofAll + equalPart / liveEdges)
      }
      const rows = known.map(({ row }) => row)
      for (const row of divided) if (!rows.includes(row)) memory.setShare(row, 0)
      divided = rows
    },
  }
}
