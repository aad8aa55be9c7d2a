import { keyUsageHours, type KeyDetail, type KeyUsage } from '@gpt-load/contracts/api/key'
import type { KeyUsageReader } from '@gpt-load/database/logs/key-usage-reader'
import { toInstant, toOptionalInstant } from '../instant.ts'
import type { VerbContext } from '../verb.ts'

/**
 * What the request logs say about keys. Fails open: a list of keys is worth having while the log store is away, so what it
 * would have said is null then.
 */
const hourS = 3_600
const nothing = { requests: 0, failures: 0 }

export type UsageContext = Pick<VerbContext, 'logReader' | 'clock' | 'logger'>

export async function loadKeyUsage(
  ctx: UsageContext,
  ids: readonly number[],
): Promise<(id: number) => KeyUsage | null> {
  const { keys } = ctx.logReader
  const fromS = firstHourS(ctx)
  const found = await orNull(ctx, () => Promise.all([keys.lastUsed(ids), keys.totals(ids, fromS)]))
  if (found === null) return () => null
  const [lastUsed, totals] = found
  return (id) => ({ last_used_at: toOptionalInstant(lastUsed.get(id) ?? 0), last_day: totals.get(id) ?? nothing })
}

/** As far back as uses are kept. */
export async function loadKeyUses(
  ctx: UsageContext,
  ids: readonly number[],
): Promise<(id: number) => { lastUsedMs: number; requests: number } | null> {
  const { keys } = ctx.logReader
  const found = await orNull(ctx, () => Promise.all([keys.lastUsed(ids), keys.totals(ids, 0)]))
  if (found === null) return () => null
  const [lastUsed, totals] = found
  return (id) => ({ lastUsedMs: lastUsed.get(id) ?? 0, requests: totals.get(id)?.requests ?? 0 })
}

/** With every hour of the last day, those without a request too. */
export async function loadKeyHours(ctx: UsageContext, id: number): Promise<KeyDetail['usage']> {
  const { keys } = ctx.logReader
  const fromS = firstHourS(ctx)
  const found = await orNull(ctx, () => Promise.all([keys.lastUsed([id]), keys.hours(id, fromS)]))
  if (found === null) return null
  const [lastUsed, stored] = found
  const byBucket = new Map(stored.map(({ bucketS, requests, failures }) => [bucketS, { requests, failures }]))
  const hours = Array.from({ length: keyUsageHours }, (_, index) => {
    const bucketS = fromS + index * hourS
    return { at: toInstant(bucketS * 1_000), ...(byBucket.get(bucketS) ?? nothing) }
  })
  const lastDay = {
    requests: hours.reduce((sum, { requests }) => sum + requests, 0),
    failures: hours.reduce((sum, { failures }) => sum + failures, 0),
  }
  return { last_used_at: toOptionalInstant(lastUsed.get(id) ?? 0), last_day: lastDay, hours }
}

function firstHourS({ clock }: UsageContext): number {
  return (Math.floor(clock.nowMs() / 1_000 / hourS) - keyUsageHours + 1) * hourS
}

async function orNull<T>({ logger }: UsageContext, read: () => Promise<T>): Promise<T | null> {
  try {
    return await read()
  } catch (error) {
    logger.warn({ err: error }, 'the request logs cannot be asked for the use of keys')
    return null
  }
}

/** Which of the keys were used at or after an instant, or were not. The log store has to answer. */
export async function filterByUse(
  reader: KeyUsageReader,
  ids: readonly number[],
  { usedSinceMs = 0, unusedSinceMs = Number.MAX_SAFE_INTEGER }: { usedSinceMs?: number; unusedSinceMs?: number },
): Promise<number[]> {
  const lastUsed = await reader.lastUsed(ids)
  return ids.filter((id) => {
    const at = lastUsed.get(id) ?? 0
    return at >= usedSinceMs && at < unusedSinceMs
  })
}
