import type { LogEvent } from '@gpt-load/contracts/log-event'

/**
 * Port: where the request path leaves its record. Called once per request, at its end; encodes into a reused buffer and
 * returns. Never throws, never waits.
 */
export interface RequestRecorder {
  /** Sets the event's `sequence`: consecutive per worker, so that gaps are losses. Keeps no reference to it. */
  record(event: LogEvent): void
}
