import type { TaskProblem } from '@gpt-load/contracts/api/task'
import { ApiProblem } from '../http/api-problem.ts'
import { probeKey, type ProbedKey } from '../probe/probe-key.ts'
import { inSlot } from '../probe/probe-slots.ts'
import type { VerbContext } from '../verb.ts'
import type { TaskWork } from './commit-chunk.ts'
import { loadKeyRows } from '../keys/find-keys.ts'
import { selectKeys } from '../keys/select-keys.ts'
import { rangeOf } from './selection-chunk.ts'

/**
 * Probes keys as a person's test does, each verdict stored by itself. Who was killed in mid-chunk has some of its keys probed
 * again, and counted once. Several tasks together leave slots for people.
 */
const probesAtOnce = 12

type HintedKey = { id: number; hint: string }
type Probed = { key: HintedKey; probe: ProbedKey | null }

export const validateChunk: TaskWork = async (ctx, task) => {
  const { ids, position, isLast } = await selectKeys(ctx.store.sql, rangeOf(task, probesAtOnce))
  const keys = (await loadKeyRows(ctx.store.sql, ids)).toReversed()
  const probed = await Promise.all(keys.map((key) => probeInSlot(ctx, key)))
  const problems = probed.flatMap(problemOf)
  const succeeded = probed.filter(({ probe }) => probe?.result.valid === true).length
  const skipped = ids.length - succeeded - problems.length
  const outcome = { position, isLast, succeeded, skipped, failed: problems.length, problems }
  // Preparing it is the work: that of the next one waits until this one is counted.
  return { apply: async () => outcome, next: null }
}

async function probeInSlot(ctx: VerbContext, key: HintedKey): Promise<Probed> {
  try {
    const probe = await inSlot(ctx.probeSlots, ctx.clock, () => probeKey(ctx, key.id, { isAudited: false }))
    return { key, probe }
  } catch (error) {
    // Deleted meanwhile.
    if (error instanceof ApiProblem && error.code === 'not_found') return { key, probe: null }
    throw error
  }
}

/** What an upstream or the network did proves nothing about the key. */
function problemOf({ key, probe }: Probed): TaskProblem[] {
  if (probe?.isRefused !== true) return []
  const { status, code, message } = probe.result
  return [{ line: null, key_id: key.id, hint: key.hint, reason: [status, code, message].filter(Boolean).join(' ') }]
}
