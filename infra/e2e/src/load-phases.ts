import type { RequestLedger, TimeSpan } from '@gpt-load/testkit/load/request-ledger'

/** What was done when, so that each thing can be asked what it did to the requests of its time. */
export interface Phases {
  /** Phases of one name count as one. */
  during<T>(name: string, work: () => Promise<T>): Promise<T>
  readonly all: readonly Phase[]
}

type Phase = { name: string; fromMs: number; toMs: number }

export function startPhases(): Phases {
  const all: Phase[] = []
  return {
    all,
    async during(name, work) {
      const fromMs = Date.now()
      try {
        return await work()
      } finally {
        all.push({ name, fromMs, toMs: Date.now() })
      }
    },
  }
}

/** Milliseconds, by nearest rank. */
export function percentileOf(sorted: Float32Array, percent: number): number {
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? 0
}

/** A line per phase: how many were answered in it, and how long they took. */
export function describePhases({ all }: Phases, ledger: RequestLedger): string[] {
  return [...new Set(all.map(({ name }) => name))].map((name) => {
    const spans = all.filter((phase) => phase.name === name)
    const seconds = spans.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0) / 1_000
    return `${name} (${seconds.toFixed(1)} s): ${describeTimes(spans, ledger)}`
  })
}

export function describeTimes(spans: readonly TimeSpan[], ledger: RequestLedger): string {
  const sendable = timesIn(spans, ledger, 'sendable')
  const due = timesIn(spans, ledger, 'due')
  const [p50, p99, max] = [50, 99, 100].map((percent) => percentileOf(sendable, percent).toFixed(2))
  return `${sendable.length} answers, p50 ${p50} ms, p99 ${p99} ms, max ${max} ms; p99 from the due time ${percentileOf(due, 99).toFixed(2)} ms`
}

function timesIn(spans: readonly TimeSpan[], ledger: RequestLedger, from: 'sendable' | 'due'): Float32Array {
  const parts = spans.map((span) => ledger.times(span, from))
  return Float32Array.from(parts.flatMap((part) => Array.from(part))).sort()
}
