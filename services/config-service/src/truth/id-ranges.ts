/** Disjoint ascending id ranges, as a change log names them: merged, walked in batches from any id on. */
export type Span = { from: number; to: number }

export function mergeSpans(spans: readonly Span[]): Span[] {
  const merged: Span[] = []
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1)
    if (last !== undefined && span.from <= last.to + 1) last.to = Math.max(last.to, span.to)
    else merged.push({ ...span })
  }
  return merged
}

export function idCount(spans: readonly Span[]): number {
  return spans.reduce((sum, { from, to }) => sum + to - from + 1, 0)
}

/** The ids above `after` in ascending order, at most `maxIds` at a time. */
export function* batchesAfter(spans: readonly Span[], after: number, maxIds: number): Generator<number[]> {
  let batch: number[] = []
  for (const { from, to } of spans) {
    for (let id = Math.max(from, after + 1); id <= to; id++) {
      batch.push(id)
      if (batch.length === maxIds) {
        yield batch
        batch = []
      }
    }
  }
  if (batch.length > 0) yield batch
}

export function idsOf(spans: readonly Span[]): number[] {
  return [...batchesAfter(spans, -1, Number.MAX_SAFE_INTEGER)].flat()
}
