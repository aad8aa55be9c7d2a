import type { TokenUsage } from '@gpt-load/contracts/log-event'
import type { RequestRecorder } from '../../access-log/request-recorder.ts'
import type { AttemptFailure } from '../attempt-failure.ts'
import type { DownstreamExchange } from '../wire/downstream-exchange.ts'
import type { CounterName, RequestCounters } from './counters.ts'
import type { RequestLog } from './request-log.ts'

/** What one request leaves in the counters, and its record: begun once, finished once, recorded once. */
export class RequestAccount {
  readonly #counters: RequestCounters
  readonly #recorder: RequestRecorder
  readonly #log: RequestLog

  constructor(services: { counters: RequestCounters; recorder: RequestRecorder }, log: RequestLog) {
    this.#counters = services.counters
    this.#recorder = services.recorder
    this.#log = log
  }

  begin(): void {
    const counters = this.#counters
    counters.add('requests', 1)
    counters.add('in_flight', 1)
    counters.set('last_request_at_ms', Date.now())
  }

  failed({ errorClass, status, stage, code }: AttemptFailure): void {
    const counters = this.#counters
    if (stage !== '') counters.add('timeouts', 1)
    else if (status === 0) counters.add(`upstream_error_${code}` as CounterName, 1)
    if (errorClass !== 'client_abort') counters.add(`failed_${errorClass}`, 1)
  }

  finish(): void {
    const counters = this.#counters
    const log = this.#log
    counters.add('in_flight', -1)
    counters.add('bytes_in', log.bytesIn)
    counters.add('bytes_out', log.bytesOut)
    counters.addStatus(log.status)
    counters.addDuration(log.elapsedMs())
    if (log.endReason === 'upstream_abort') counters.add('upstream_aborts', 1)
    if (log.endReason === 'client_abort') counters.add('client_aborts', 1)
  }

  /**
   * Answers whether the request gets a row.
   * @param usage null = the answer was none that tells it
   */
  record(exchange: DownstreamExchange, clientAddress: string, usage: TokenUsage | null): boolean {
    const event = this.#log.complete(exchange, clientAddress, usage)
    this.#recorder.record(event)
    return !event.isSampledOut
  }
}
