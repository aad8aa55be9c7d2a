import type { KeyTable } from '../data-plane/key-table/key-table.ts'
import { LearntResources } from '../data-plane/observe/learnt-resources.ts'
import type { SelectorServices, SelectorTable } from '../data-plane/select-target.ts'
import { TriedLists } from '../data-plane/tried-lists.ts'
import { UpstreamChooser } from '../data-plane/upstream-health/choose-upstream.ts'
import type { UpstreamHealth } from '../data-plane/upstream-health/upstream-health.ts'

/**
 * What a dry run chooses with: the same memory that the workers read, with nothing that would change it. No turn is taken,
 * no request counted, no trial claimed.
 */
export function createDryServices(table: KeyTable, health: UpstreamHealth): SelectorServices {
  return {
    table: dryTable(table),
    upstreams: new UpstreamChooser({
      isClosed: (slot) => health.isClosed(slot),
      claimTrial: (slot) => health.stateOf(slot).state === 'half_open',
      giveBackTrial: () => undefined,
    }),
    triedLists: new TriedLists(),
    resources: new LearntResources(table, () => undefined),
  }
}

function dryTable(table: KeyTable): SelectorTable {
  return {
    pick: (groupNumber, model, tried, count) => table.peek(null, groupNumber, model, tried, count),
    pickBy: (rules, groupNumber, model, tried, count) => table.peek(rules, groupNumber, model, tried, count),
    enter: () => undefined,
    leave: () => undefined,
    get roomAtMs() {
      return table.roomAtMs
    },
    pickSticky: (...asked) => table.pickSticky(...asked),
    hasRoom: (...asked) => table.hasRoom(...asked),
    inFlight: (slot) => table.inFlight(slot),
    isAlive: (slot) => table.isAlive(slot),
    keyId: (slot) => table.keyId(slot),
    groupNumber: (slot) => table.groupNumber(slot),
    generation: (slot) => table.generation(slot),
    secret: (slot) => table.secret(slot),
    count: (groupNumber) => table.count(groupNumber),
    usableCount: (groupNumber) => table.usableCount(groupNumber),
  }
}
