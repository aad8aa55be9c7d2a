import type { RequestTotals } from '@gpt-load/database/logs/request-log-reader'
import type { Services } from '../services.ts'

const hourS = 3_600

/** Requests of the last whole hours, the current one included. */
export function requestTotals(
  { logReader, clock }: Pick<Services, 'logReader' | 'clock'>,
  { hours, groupId }: { hours: number; groupId?: number },
): Promise<RequestTotals> {
  const fromS = (Math.floor(clock.nowMs() / 1_000 / hourS) - (hours - 1)) * hourS
  return logReader.totals({ spanS: hourS, fromS, ...(groupId === undefined ? {} : { groupId }) })
}
