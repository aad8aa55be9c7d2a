import { channelOf } from '@gpt-load/channels/find-channel'
import type { KeyTestResult } from '@gpt-load/contracts/api/key'
import { openProviderKey } from '@gpt-load/database/row-secrets'
import { equalFacts } from '@gpt-load/key-health/merge-facts'
import { notFound } from '../http/api-problem.ts'
import { toOptionalInstant } from '../instant.ts'
import { lockKey } from '../keys/change-key.ts'
import { keyFactsOf } from '../keys/key-answer.ts'
import { storeTransition } from '../keys/store-transition.ts'
import { commitChange } from '../truth/commit.ts'
import type { VerbContext } from '../verb.ts'
import { judgeProbe, type Verdict } from './judge-probe.ts'
import { probeScheduleOf } from './probe-schedule.ts'
import type { ProbeReply } from './probe-sender.ts'
import { loadProbeTarget } from './probe-target.ts'
import { shapeProbe } from './shape-probe.ts'

/** One key tried against one upstream of its group, now; the result is stored with the key and changes its state. */
export type ProbedKey = { result: KeyTestResult; isRefused: boolean; revision: number | null }

/** Since the process started, by whoever asked. `unproven`: the fault was not the key's. */
export type ProbeCounts = { valid: number; refused: number; unproven: number }

export type ProbeOptions = {
  /** Of many keys, only what started the probes is audited. */
  isAudited?: boolean
  /** In the mode of the group's schedule; a person's probe asks the test model. */
  isScheduled?: boolean
  /** Ends it without a verdict. */
  signal?: AbortSignal
}

type StoredKey = { group_id: number; hash: Buffer; secret: Buffer; generation: number }

export async function probeKey(
  ctx: VerbContext,
  id: number,
  { isAudited = true, isScheduled = false, signal }: ProbeOptions = {},
): Promise<ProbedKey> {
  const [stored] = await ctx.store.sql.query<StoredKey>(
    'SELECT group_id, hash, secret, generation FROM provider_keys WHERE id = ?',
    [id],
  )
  const target = stored === undefined ? null : await loadProbeTarget(ctx, stored.group_id)
  if (stored === undefined || target === null) throw notFound('key')
  const secret = openProviderKey(ctx.keyring, stored.hash, stored.secret)
  const channel = channelOf(target.channel)
  const startedMs = ctx.clock.monotonicMs()
  const nowMs = ctx.clock.nowMs()
  const mode = (isScheduled ? probeScheduleOf(target.settings)?.mode : undefined) ?? 'chat'
  const call = shapeProbe(target, channel, { secret, requestId: ctx.requestId, nowMs, mode, random: Math.random })
  const noUpstream: ProbeReply = { isAnswered: false, reason: 'no upstream of the group has a weight above 0' }
  const reply = call === null ? noUpstream : await ctx.probeSender.send({ ...call, ...(signal && { signal }) })
  const durationMs = Math.round(ctx.clock.monotonicMs() - startedMs)
  const { testModel: model, settings } = target
  const verdict = judgeProbe({ reply, channel, settings, model, secret, nowMs: ctx.clock.nowMs() })
  const probed = await storeVerdict(ctx, { id, generation: stored.generation, isAudited }, verdict, durationMs)
  ctx.probeCounts[verdict.isValid ? 'valid' : verdict.isRefused ? 'refused' : 'unproven'] += 1
  return probed
}

async function storeVerdict(
  ctx: VerbContext,
  probed: { id: number; generation: number; isAudited: boolean },
  verdict: Verdict,
  durationMs: number,
): Promise<ProbedKey> {
  const { result: facts, revision } = await commitChange({ ctx }, async (tx) => {
    const row = await lockKey(tx, probed.id, null)
    const before = keyFactsOf(row)
    // Somebody acted on the key meanwhile: what the probe saw is older than that.
    const after = row.generation === probed.generation ? verdict.apply(before) : before
    if (!equalFacts(before, after)) await storeTransition(tx, row, after, verdict.cause)
    await tx.sql.execute('UPDATE provider_keys SET last_probe_at = ?, last_probe_ok = ? WHERE id = ?', [
      verdict.cause.at,
      verdict.isValid,
      probed.id,
    ])
    const detail = { hint: row.hint, valid: verdict.isValid, status: verdict.status, state: after.state }
    if (probed.isAudited) tx.audit({ action: 'key.test', entity: 'key', entityId: probed.id, detail })
    return after
  })
  const { isValid: valid, status, code, message } = verdict
  const { state, until } = facts
  return {
    isRefused: verdict.isRefused,
    result: { valid, status, code, message, duration_ms: durationMs, state, until: toOptionalInstant(until) },
    revision,
  }
}
