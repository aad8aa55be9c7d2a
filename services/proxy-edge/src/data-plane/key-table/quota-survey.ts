// What is known of the quotas of usable keys, summed per group: for the forecast of capacity, never for a request. Looks at
// one word per key, at the others only where something is known; a few milliseconds of the main thread with a million keys.

import { resetSlotOf, resetSlots, spanOf, type QuotaWindow } from '@gpt-load/key-health/capacity'
import type { SharedColumns } from './shared-columns.ts'
import { membership } from './usable-set.ts'

type Sums = QuotaWindow & { resets: number[] }

export function surveyQuotas(
  columns: SharedColumns,
  slots: number,
  nowMs: number,
): ReadonlyMap<number, readonly QuotaWindow[]> {
  const groups = new Map<number, Sums[]>()
  for (let slot = 0; slot < slots; slot += 1) {
    if (columns.quotaModel[slot] === 0) continue
    const place = columns.place[slot] as number
    const member = place & 3
    if (member !== membership.active && member !== membership.suspect) continue
    const ofGroup = groups.get(place >> 2) ?? []
    groups.set(place >> 2, ofGroup)
    const { requestsLeft, requestsResetAt, tokensLeft, tokensResetAt } = columns
    add(ofGroup, 'requests', requestsLeft[slot] as number, (requestsResetAt[slot] as number) - nowMs)
    add(ofGroup, 'tokens', tokensLeft[slot] as number, (tokensResetAt[slot] as number) - nowMs)
  }
  return groups
}

function add(windows: Sums[], kind: QuotaWindow['kind'], left: number, untilEndMs: number): void {
  if (!(untilEndMs > 0)) return
  const span = spanOf(untilEndMs)
  let sums = windows.find((window) => window.kind === kind && window.span === span)
  if (sums === undefined) {
    sums = { kind, span, keys: 0, left: 0, most: 0, resets: Array.from({ length: resetSlots }, () => 0) }
    windows.push(sums)
  }
  // What is under way may have taken more than there was.
  const room = Math.max(0, left)
  sums.keys += 1
  sums.left += room
  sums.most = Math.max(sums.most, room)
  const end = resetSlotOf(span, untilEndMs)
  sums.resets[end] = (sums.resets[end] ?? 0) + 1
}
