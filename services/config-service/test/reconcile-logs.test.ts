import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { EdgeReport } from '@gpt-load/contracts/edge-report'
import type { SequenceGap, SourceAccount } from '@gpt-load/database/logs/log-account-reader'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import { reconcile } from '../src/logs/reconcile-logs.ts'
import { edgeReport } from './support/edge-report.ts'

const nowMs = Date.UTC(2026, 10, 26, 12)
const second = 1_000

type World = {
  reports: { instance: string; ageMs: number; log: Partial<EdgeReport['log']> }[]
  sources?: (Pick<SourceAccount, 'source' | 'lastSequence' | 'committed'> & Partial<SourceAccount>)[]
  gaps?: Record<string, SequenceGap[]>
  /** null = something waits in the stream. */
  caughtUpAgoMs?: number | null
}

async function reconciled({ reports, sources = [], gaps = {}, caughtUpAgoMs = 0 }: World) {
  const rows = reports.map(({ instance, ageMs, log }) => ({
    instance,
    name: 'edge-1',
    reported_at: BigInt(nowMs - ageMs),
    report: JSON.stringify({
      log: { ...edgeReport(instance, '').log, ...log },
    }),
  }))
  const accounts = sources.map((account) => ({
    instance: account.source.split('.')[0]!,
    edge: 'edge-1',
    sampledOut: 0,
    deadLettered: 0,
    lastCommittedAtMs: nowMs,
    ...account,
  }))
  const answer = await reconcile(
    {
      store: { database: { edge: { findMany: async () => rows } } } as never,
      logAccounts: {
        sources: async () => accounts,
        gaps: async (source) => gaps[source] ?? [],
        caughtUpAtMs: async () => (caughtUpAgoMs === null ? null : nowMs - caughtUpAgoMs),
        deadLetters: async () => [],
      },
      clock: { ...createSystemClock(), nowMs: () => nowMs },
    },
    { hasGaps: true },
  )
  for (const counts of [answer, ...answer.edges])
    assert.equal(
      counts.served,
      counts.committed +
        counts.sampled_out +
        counts.dead_lettered +
        counts.dropped +
        counts.spooled +
        counts.in_flight +
        counts.missing,
      'the invariant',
    )
  return answer
}

const gap = (from: number, to: number, seenAgoMs: number, isDeadLettered = false): SequenceGap => ({
  from,
  to,
  isDeadLettered,
  seenAtMs: nowMs - seenAgoMs,
})

describe('the log invariant', () => {
  test('of an edge that lives: what is not stored is on its disk, dropped or under way', async () => {
    const { edges, missing } = await reconciled({
      reports: [
        {
          instance: 'a',
          ageMs: second,
          log: { served: 100, in_flight: 5, spooled: 20, dropped: 10, sources: [{ source: 'a.1', served: 100 }] },
        },
      ],
      sources: [{ source: 'a.1', lastSequence: 80, committed: 60, sampledOut: 3 }],
      gaps: { 'a.1': [gap(10, 26, 2 * second)] },
      caughtUpAgoMs: null,
    })
    const [edge] = edges
    assert.deepEqual([edge?.state, edge?.dropped, edge?.spooled, edge?.in_flight, missing], ['live', 10, 20, 7, 0])
    assert.deepEqual(
      edge?.gaps.map(({ from, to, reason }) => [from, to, reason]),
      [
        [10, 26, 'awaited'],
        [81, 100, 'awaited'],
      ],
    )
  })

  test('a gap that later batches have passed long ago is missing, unless the edge says that it has or dropped it', async () => {
    const world = (log: Partial<EdgeReport['log']>): World => ({
      reports: [
        { instance: 'a', ageMs: second, log: { served: 100, sources: [{ source: 'a.1', served: 100 }], ...log } },
      ],
      sources: [{ source: 'a.1', lastSequence: 100, committed: 90 }],
      gaps: { 'a.1': [gap(41, 50, 120 * second)] },
    })
    const lost = await reconciled(world({}))
    assert.deepEqual([lost.missing, lost.edges[0]?.gaps[0]?.reason], [10, 'missing'])
    assert.equal((await reconciled(world({ spooled: 10 }))).missing, 0)
    assert.equal((await reconciled(world({ dropped: 10 }))).missing, 0)
    // What is under way behind it is not taken for the gap.
    assert.equal((await reconciled(world({ served: 120, spooled: 10 }))).missing, 0)
  })

  test('of a killed edge: its tail is named by source once the stream is stored, and what came later is bounded', async () => {
    const world: World = {
      reports: [
        {
          instance: 'a',
          ageMs: 60 * second,
          log: {
            served: 100,
            in_flight: 8,
            peak_per_second: 50,
            sources: [
              { source: 'a.1', served: 60 },
              { source: 'a.2', served: 40 },
            ],
          },
        },
      ],
      sources: [
        { source: 'a.1', lastSequence: 55, committed: 55 },
        { source: 'a.2', lastSequence: 40, committed: 40 },
      ],
    }
    const { edges } = await reconciled(world)
    assert.deepEqual(
      [edges[0]?.state, edges[0]?.missing, edges[0]?.in_flight, edges[0]?.unknown_at_most],
      ['killed', 5, 0, 100],
    )
    assert.deepEqual(edges[0]?.gaps, [{ source: 'a.1', from: 56, to: 60, reason: 'missing' }])
    // While something waits in the stream nobody can say that it is lost.
    const waiting = await reconciled({ ...world, caughtUpAgoMs: null })
    assert.deepEqual([waiting.missing, waiting.in_flight, waiting.edges[0]?.gaps[0]?.reason], [0, 5, 'awaited'])
    // What was stored beyond the last report is not unknown any more.
    const beyond = await reconciled({
      ...world,
      sources: [{ source: 'a.1', lastSequence: 80, committed: 80 }, world.sources![1]!],
    })
    assert.deepEqual([beyond.served, beyond.missing, beyond.unknown_at_most], [120, 0, 80])
    // Traffic came after the last report, and faster than ever before: its tail is as fast.
    const faster = await reconciled({
      ...world,
      sources: [{ source: 'a.1', lastSequence: 244, committed: 244 }, world.sources![1]!],
    })
    assert.deepEqual([faster.served, faster.missing, faster.unknown_at_most], [284, 0, 184])
  })

  test('an edge that has ended in order leaves nothing unknown; what it left on disk stays named', async () => {
    const { edges } = await reconciled({
      reports: [
        {
          instance: 'a',
          ageMs: 3_600 * second,
          log: {
            served: 50,
            spooled: 20,
            is_final: true,
            peak_per_second: 9,
            sources: [{ source: 'a.1', served: 50 }],
          },
        },
      ],
      sources: [{ source: 'a.1', lastSequence: 30, committed: 30 }],
    })
    assert.deepEqual(
      [edges[0]?.state, edges[0]?.spooled, edges[0]?.missing, edges[0]?.unknown_at_most],
      ['ended', 20, 0, 0],
    )
  })

  test('what went to the dead letters is no loss, and named as such', async () => {
    const { edges, missing } = await reconciled({
      reports: [{ instance: 'a', ageMs: 60 * second, log: { served: 30, sources: [{ source: 'a.1', served: 30 }] } }],
      sources: [{ source: 'a.1', lastSequence: 30, committed: 20, deadLettered: 10 }],
      gaps: { 'a.1': [gap(11, 20, 120 * second, true)] },
    })
    assert.deepEqual([missing, edges[0]?.dead_lettered], [0, 10])
  })
})
