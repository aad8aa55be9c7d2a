import type { LogEvent } from '@gpt-load/contracts/log-event'

/**
 * Port: where the request path leaves its record. Called once per request, at its end; encodes into a reused buffer and
 * returns. Never throws, never waits.
 */
export interface RequestRecorder {
  /** `sequence` is assigned here: consecutive per worker, so that gaps are losses. */
  record(event: Omit<LogEvent, 'sequence'>): void
}
