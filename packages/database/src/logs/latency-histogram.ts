/**
 * Counts of one span, bucket and scope, by `metric * 256 + bin`: additive, so that percentiles merge over any range. Stored as a
 * JSON object in one row.
 */
export type LatencyHistogram = Map<number, number>

export const slotOf = (metric: number, bin: number): number => metric * 256 + bin

export function addToHistogram(histogram: LatencyHistogram, slot: number, count: number): void {
  histogram.set(slot, (histogram.get(slot) ?? 0) + count)
}

/** `counts` as it is stored; '' = none yet. */
export function addStoredHistogram(histogram: LatencyHistogram, counts: string): void {
  if (counts === '') return
  for (const [slot, count] of Object.entries(JSON.parse(counts) as Record<string, number>))
    addToHistogram(histogram, Number(slot), count)
}

export function encodeHistogram(histogram: LatencyHistogram): string {
  return JSON.stringify(Object.fromEntries(histogram))
}
