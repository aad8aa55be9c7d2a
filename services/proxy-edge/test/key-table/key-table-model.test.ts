import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { keyStates, type KeyFacts } from '@gpt-load/contracts/key-state'
import { dueAt, isUsable } from '@gpt-load/key-health/is-usable'
import { createManualClock } from '@gpt-load/service-kit/manual-clock'
import { createKeyTable } from '../../src/data-plane/key-table/key-table-writer.ts'
import { mergeFromControlPlane, mergeReport } from '../../src/data-plane/key-table/merge-views.ts'
import { slotRestMs } from '../../src/data-plane/key-table/slot-allocator.ts'
import { checkKeyTable } from '../support/check-key-table.ts'
import { keyRow, secretOf, stateRow } from '../support/key-rows.ts'

const groups = 3
const good = { state: 'active', until: 0, generation: 0, failures: 0 } as const
const startMs = 1_000_000

const facts = fc.record({
  state: fc.constantFrom(...keyStates),
  until: fc.integer({ min: 0, max: 40 }).map((steps) => (steps < 5 ? 0 : startMs + steps * 100)),
  generation: fc.nat(3),
  failures: fc.nat(4),
})
const keyId = fc.integer({ min: 1, max: 60 })
const command = fc.oneof(
  fc.record({ do: fc.constant('put' as const), group: fc.nat(groups - 1), keyId, facts }),
  fc.record({ do: fc.constant('state' as const), keyId, facts }),
  fc.record({ do: fc.constant('report' as const), keyId, facts }),
  fc.record({ do: fc.constant('remove' as const), keyId }),
  fc.record({ do: fc.constant('wait' as const), steps: fc.nat(30) }),
  fc.record({ do: fc.constant('close' as const), group: fc.nat(groups - 1) }),
)

type Command = typeof command extends fc.Arbitrary<infer T> ? T : never

/** A worker tells of a limit whose deadline has passed, the same as the one that it replaces. */
const reportAfterItsDeadline = [
  { do: 'put', group: 0, keyId: 13, facts: good },
  { do: 'report', keyId: 13, facts: { ...good, state: 'cooling' } },
] satisfies Command[]

type ModelKey = { group: number; facts: KeyFacts }

test('behaves like a plain map of keys under any sequence of changes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 80 }), async (commands) => {
      const clock = createManualClock({ nowMs: startMs })
      const writer = createKeyTable({ clock })
      for (let group = 0; group < groups; group += 1) writer.openGroup(group)
      const model = new Map<number, ModelKey>()
      for (const step of commands) {
        if (step.do === 'wait') await clock.advance(step.steps * 100)
        else apply(step, writer, model, clock.nowMs())
        writer.tick()
        returnDue(model, clock.nowMs())
        compare(writer, model, clock.nowMs())
      }
      checkKeyTable(writer, groups)
      await clock.advance(slotRestMs)
    }),
    { numRuns: 150, examples: [[reportAfterItsDeadline]] },
  )
})

function apply(step: Command, writer: ReturnType<typeof createKeyTable>, model: Map<number, ModelKey>, now: number) {
  if (step.do === 'close') {
    writer.closeGroup(step.group)
    writer.openGroup(step.group)
    for (const [id, key] of model) if (key.group === step.group) model.delete(id)
  }
  if (step.do === 'remove') {
    writer.removeKeys([step.keyId])
    model.delete(step.keyId)
  }
  if (step.do === 'put') {
    writer.putKeys(step.group, [keyRow(step.keyId, step.facts)], 'merge')
    const known = model.get(step.keyId)
    const merged = known?.group === step.group ? mergeFromControlPlane(known.facts, step.facts) : step.facts
    model.set(step.keyId, { group: step.group, facts: merged ?? (known as ModelKey).facts })
  }
  const known = 'keyId' in step ? model.get(step.keyId) : undefined
  if (step.do === 'state') {
    writer.putStates([stateRow(step.keyId, step.facts)], 'merge')
    if (known) known.facts = mergeFromControlPlane(known.facts, step.facts) ?? known.facts
  }
  if (step.do === 'report' && known) {
    const merged = mergeReport(known.facts, step.facts, now)
    assert.equal(writer.table.apply(writer.slotOf(step.keyId), step.keyId, step.facts), merged !== undefined)
    known.facts = merged ?? known.facts
  }
}

/** Stored facts whose deadline has passed say `active` from then on. */
function returnDue(model: Map<number, ModelKey>, now: number): void {
  for (const key of model.values()) {
    const isOut = key.facts.state !== 'active' && key.facts.state !== 'suspect'
    if (isOut && isUsable(key.facts, now)) key.facts = { ...key.facts, state: 'active', until: 0 }
  }
}

function compare(writer: ReturnType<typeof createKeyTable>, model: Map<number, ModelKey>, now: number): void {
  for (let group = 0; group < groups; group += 1) {
    const members = [...model].filter(([, key]) => key.group === group)
    const usable = members.filter(([, key]) => isUsable(key.facts, now))
    assert.equal(writer.table.count(group), members.length)
    assert.equal(writer.table.usableCount(group), usable.length)
    for (const [id, key] of members) assert.deepEqual(writer.table.facts(writer.slotOf(id)), { ...key.facts })
    const out = members.filter(([, key]) => !usable.some(([, other]) => other === key) && dueAt(key.facts) !== null)
    const returns = out.map(([, key]) => key.facts.until)
    assert.equal(writer.table.earliestReturn(group, ''), returns.length === 0 ? 0 : Math.min(...returns))
    const preferred = usable.filter(([, key]) => key.facts.state !== 'suspect')
    const expected = new Set((preferred.length > 0 ? preferred : usable).map(([id]) => id))
    const slot = writer.table.pick(group, '', new Int32Array(0), 0)
    if (expected.size === 0) assert.equal(slot, -1)
    else assert.ok(expected.has(writer.table.keyId(slot)))
    if (slot >= 0) assert.equal(writer.table.secret(slot), secretOf(writer.table.keyId(slot)))
  }
}
