import type { EdgeReport, EdgeReportAnswer } from '@gpt-load/contracts/edge-report'
import { faultOf } from '@gpt-load/database/database-errors'
import { InternalApiUnavailable, type InternalApi } from '@gpt-load/transport/internal-api'
import { applyKeyEvents, type KeyEventContext } from '../key-state/apply-key-events.ts'
import type { Position } from '../truth/read-position.ts'
import { createCallerDemands, type CallerDemands } from './caller-demand.ts'
import type { BaseSource } from './base-source.ts'
import type { DeltaSource } from './delta-source.ts'
import { loadResources, storeResources } from './resource-keys.ts'
import { listQuestions, storeExplanation } from '../explain/edge-questions.ts'
import { countLiveEdges, storeReport } from './store-report.ts'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'

/**
 * What edges ask of config-service, as an object: standalone hands it to the edge, internal-server puts HTTP before it.
 * Expected trouble (database away, too many waiting) is `InternalApiUnavailable`.
 */
export type InternalApiOptions = {
  store: DatabaseHandle
  bases: BaseSource
  delta: DeltaSource
  keyEvents: KeyEventContext
  /** An edge has applied so much. */
  noteApplied(place: Position): void
}

export function createInternalApi({ store, bases, delta, keyEvents, noteApplied }: InternalApiOptions): InternalApi {
  const demands = createCallerDemands(store)
  return {
    manifest: () => orUnavailable(bases.manifest()),
    async base({ fromByte = 0, ...place }, signal) {
      const file = await orUnavailable(bases.open(place))
      return file === null ? null : file.read({ start: fromByte }, signal)
    },
    delta(request) {
      noteApplied({ epoch: request.epoch, revision: request.since })
      return delta(request)
    },
    keyEvents: (post) => orUnavailable(applyKeyEvents(keyEvents, post)),
    storeResources: (post) => orUnavailable(storeResources(store, keyEvents.records.keyring.epoch, post)),
    resources: (question) =>
      orUnavailable(loadResources(store, keyEvents.records.keyring.epoch, question, keyEvents.clock.nowMs())),
    report(report) {
      noteApplied(report)
      return orUnavailable(takeReport({ store, demands }, report, keyEvents.clock.nowMs()))
    },
    explain: (post) => orUnavailable(storeExplanation(store, post)),
  }
}

async function takeReport(
  { store, demands }: { store: DatabaseHandle; demands: CallerDemands },
  report: EdgeReport,
  nowMs: number,
): Promise<EdgeReportAnswer> {
  await storeReport(store, report, nowMs)
  const live_edges = await countLiveEdges(store, nowMs)
  const caller_demand = live_edges === 1 ? [] : await demands.of(report.caller_demand, nowMs)
  return { live_edges, caller_demand, questions: await listQuestions(store, report.edge, nowMs) }
}

async function orUnavailable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    const fault = faultOf(error)
    if (fault !== 'unavailable' && fault !== 'conflict') throw error
    throw new InternalApiUnavailable('the database is away or overloaded', { cause: error })
  }
}
