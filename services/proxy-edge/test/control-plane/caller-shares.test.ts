import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { maxReportedCallers, type CallerDemand } from '@gpt-load/contracts/edge-report'
import { createManualClock, type ManualClock } from '@gpt-load/service-kit/manual-clock'
import fc from 'fast-check'
import { createCallerShares, type CallerShares } from '../../src/control-plane/caller-shares.ts'
import {
  accessKeyRow,
  CallerMemory,
  callerMemoryBytes,
  groupRow,
} from '../../src/data-plane/caller-limits/caller-memory.ts'

const limit = 1_000
const row = accessKeyRow(0)

type Edge = { memory: CallerMemory; shares: CallerShares; underWay: number }

/** Edges that serve one limited access key (7) and one group (3), and a control plane that adds up their last reports. */
function openFleet(edges: number) {
  const clock = createManualClock({ nowMs: 0 })
  const fleet = Array.from({ length: edges }, () => openEdge(clock))
  const reports = new Map<Edge, readonly CallerDemand[]>()
  const totalOf = ({ kind, id }: CallerDemand) =>
    [...reports.values()].flat().reduce((sum, one) => sum + (one.kind === kind && one.id === id ? one.demand : 0), 0)
  const report = (edge: Edge) => {
    const told = edge.shares.list()
    reports.set(edge, told)
    edge.shares.learn({ liveEdges: edges, demand: told.map((caller) => ({ ...caller, demand: totalOf(caller) })) })
  }
  /** Seconds in which so many want to enter each edge. */
  const pass = async (seconds: number, asked: readonly number[]) => {
    for (let second = 0; second < seconds; second += 1) {
      for (const [index, edge] of fleet.entries()) edge.memory.arrivals[row]! += asked[index] ?? 0
      await clock.advance(1_000)
      for (const edge of fleet) report(edge)
    }
  }
  const parts = () => fleet.map(({ memory }) => memory.partOf(row, limit))
  return { clock, fleet, pass, parts }
}

function openEdge(clock: ManualClock): Edge {
  const memory = new CallerMemory(new SharedArrayBuffer(callerMemoryBytes))
  const edge = { memory, underWay: 0 }
  const shares = createCallerShares({
    memory,
    clock,
    underWay: () => edge.underWay,
    policies: { groupIds: [3], groupNumberOf: () => 0, limitedAccessKeys: () => [{ id: 7, limitNumber: 0 }] },
  })
  return Object.assign(edge, { shares })
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

suite('a limit over all edges', () => {
  test('is divided equally before anything is known, and all of it is the only edge’s', async () => {
    const three = openFleet(3)
    await three.pass(1, [0, 0, 0])
    assert.deepEqual(three.parts(), [333, 333, 333])
    const one = openFleet(1)
    await one.pass(5, [100])
    assert.deepEqual(one.parts(), [limit])
  })

  test('goes where it is asked for, within seconds, and follows a caller to another edge', async () => {
    const { pass, parts } = openFleet(3)
    await pass(3, [50, 0, 0])
    assert.ok(parts()[0]! > 0.9 * limit, `${parts().join()}`)
    await pass(15, [0, 0, 50])
    assert.ok(parts()[2]! > 0.8 * limit, `${parts().join()}`)
    await pass(60, [50, 50, 0])
    assert.ok(Math.abs(parts()[0]! - parts()[1]!) < 5, `${parts().join()}`)
  })

  test('its parts among edges that are asked never make up more than the whole', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.nat(200), { minLength: 4, maxLength: 4 }), { minLength: 1, maxLength: 12 }),
        async (seconds) => {
          const { pass, parts, fleet } = openFleet(4)
          // All have been asked before: an edge that comes new keeps an equal part until its first answer.
          await pass(3, [1, 1, 1, 1])
          for (const asked of seconds) await pass(1, asked)
          // Within a second each edge answers for itself; one more in which nothing changes brings them together.
          for (const edge of fleet) edge.underWay = 1
          await pass(2, [0, 0, 0, 0])
          const all = sum(parts())
          assert.ok(all <= limit * 1.02 && all >= limit * 0.7, `${parts().join()} are ${all}`)
        },
      ),
      { numRuns: 30 },
    )
  })

  test('requests that are under way keep their part where they are', async () => {
    const { fleet, pass, parts } = openFleet(2)
    await pass(2, [10, 10])
    fleet[0]!.underWay = 40
    await pass(30, [0, 0])
    assert.ok(parts()[0]! > 0.9 * limit, `${parts().join()}`)
  })

  test('is divided equally again when the control plane does not name it any more', async () => {
    const { fleet, pass, parts } = openFleet(2)
    await pass(3, [50, 0])
    fleet[0]!.shares.learn({ liveEdges: 2, demand: [] })
    assert.equal(parts()[0], 500)
  })

  test('reports that follow each other at once say the same, and no more than the busiest are told', async () => {
    const clock = createManualClock({ nowMs: 0 })
    const memory = new CallerMemory(new SharedArrayBuffer(callerMemoryBytes))
    const ids = Array.from({ length: 3 * maxReportedCallers }, (_, index) => index)
    const shares = createCallerShares({
      memory,
      clock,
      underWay: () => 0,
      policies: { groupIds: ids, groupNumberOf: (id) => id, limitedAccessKeys: () => [] },
    })
    const arrive = () => ids.forEach((id) => (memory.arrivals[groupRow(id)]! += id))
    arrive()
    shares.list()
    await clock.advance(1_000)
    arrive()
    const told = shares.list()
    assert.equal(told.length, maxReportedCallers)
    assert.equal(told[0]?.id, ids.length - 1)
    arrive()
    await clock.advance(50)
    assert.deepEqual(shares.list(), told)
  })
})
