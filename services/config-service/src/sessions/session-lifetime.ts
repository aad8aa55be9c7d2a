/** A session ends when it was not used for 12 hours, and after 7 days in any case. */
const idleMs = 12 * 3_600_000
export const maxSessionMs = 7 * 86_400_000
/** Uses are noted at most so often, so that reading does not mean writing. */
export const seenIntervalMs = 60_000

export function sessionExpiry(createdAtMs: number, nowMs: number): number {
  return Math.min(nowMs + idleMs, createdAtMs + maxSessionMs)
}
