import { edgeReportIntervalMs } from '@gpt-load/contracts/edge-report'
import type { EdgeReport, EdgeReportAnswer } from '@gpt-load/contracts/edge-report'
import type { Clock, Timer } from '@gpt-load/service-kit/clock'
import type { InternalApi } from '@gpt-load/transport/internal-api'

/**
 * Tells the control plane where this edge stands: every second, and at once after a revision was applied (a person's change
 * waits for it). One report is under way at a time; one that fails is not repeated, the next one says more.
 */
export interface Reporter {
  /** The first report; nothing is told before. */
  start(): void
  /** Something worth telling happened. */
  trigger(): void
  /** With a last report, which is waited for only so long. */
  close(): Promise<void>
}

const minIntervalMs = 50
const lastReportTimeoutMs = 1_000

export function createReporter(options: {
  api: Pick<InternalApi, 'report'>
  describe(): EdgeReport
  onAnswer(answer: EdgeReportAnswer): void
  clock: Clock
}): Reporter {
  const { clock } = options
  let timer: Timer | undefined
  let dueAtMs = 0
  let sending: Promise<void> | undefined
  let isOpen = false
  let isWanted = false
  let lastSentMs = -Infinity

  function schedule(inMs: number): void {
    if (!isOpen) return
    const at = clock.monotonicMs() + inMs
    if (timer !== undefined && dueAtMs <= at) return
    timer?.cancel()
    dueAtMs = at
    timer = clock.setTimeout(() => {
      timer = undefined
      if (sending === undefined) sending = send()
      else isWanted = true
    }, inMs)
  }

  async function send(): Promise<void> {
    lastSentMs = clock.monotonicMs()
    await options.api.report(options.describe()).then(options.onAnswer, () => undefined)
    sending = undefined
    schedule(isWanted ? minIntervalMs : edgeReportIntervalMs)
    isWanted = false
  }

  return {
    start() {
      isOpen = true
      schedule(0)
    },
    trigger: () => schedule(Math.max(0, lastSentMs + minIntervalMs - clock.monotonicMs())),
    async close() {
      isOpen = false
      timer?.cancel()
      await sending
      await Promise.race([send(), clock.sleep(lastReportTimeoutMs)])
    },
  }
}
