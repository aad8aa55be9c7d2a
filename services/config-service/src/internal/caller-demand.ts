import { edgeReachableMs, type CallerDemand, type EdgeReport } from '@gpt-load/contracts/edge-report'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'

/**
 * What callers with limits ask of all edges, from what each edge has reported last. Reports of all edges are read at most every half
 * second, however many ask: what edges are told is as old as that, and as their reports (a second).
 */
export interface CallerDemands {
  /** Of the callers that are named. */
  of(named: readonly CallerDemand[], nowMs: number): Promise<CallerDemand[]>
}

const maxAgeMs = 500

export function createCallerDemands({ sql }: Pick<DatabaseHandle, 'sql'>): CallerDemands {
  let known: { readAtMs: number; totals: Promise<ReadonlyMap<string, number>> } | null = null

  async function readTotals(nowMs: number): Promise<ReadonlyMap<string, number>> {
    const rows = await sql.query<{ report: string }>('SELECT report FROM edges WHERE reported_at > ?', [
      nowMs - edgeReachableMs,
    ])
    const totals = new Map<string, number>()
    for (const { report } of rows) {
      // Reports of an edge of the version before name none.
      const { caller_demand: demands = [] } = JSON.parse(report) as Partial<EdgeReport>
      for (const caller of demands) totals.set(nameOf(caller), (totals.get(nameOf(caller)) ?? 0) + caller.demand)
    }
    return totals
  }

  return {
    async of(named, nowMs) {
      if (named.length === 0) return []
      if (known === null || nowMs - known.readAtMs > maxAgeMs || nowMs < known.readAtMs) {
        const reading = { readAtMs: nowMs, totals: readTotals(nowMs) }
        known = reading
        reading.totals.catch(() => {
          if (known === reading) known = null
        })
      }
      const totals = await known.totals
      // Its own report may be newer than what was read.
      return named.map((caller) => ({ ...caller, demand: Math.max(caller.demand, totals.get(nameOf(caller)) ?? 0) }))
    },
  }
}

function nameOf({ kind, id }: CallerDemand): string {
  return `${kind} ${id}`
}
