import type { ChangeFeedMessage } from '@gpt-load/contracts/change-feed-message'

/**
 * Port of the change feed: hints from config-service to edges. Delivery may fail, repeat or reorder; nobody may rely on it
 * (receivers compare revisions and pull). Adapters: redis-change-feed, in-process-change-feed.
 */
export interface ChangeFeedPublisher {
  /** Resolves when handed over; rejects never: a failed publish is counted and the next beat repairs it. */
  publish(message: ChangeFeedMessage): Promise<void>
  isConnected(): boolean
  close(): Promise<void>
}

export type ChangeFeedListener = {
  onMessage(message: ChangeFeedMessage): void
  /** Connected (again): the listener pulls, since messages may have been missed. */
  onConnect(): void
  /** Nothing may come for a while, though the connection is not given up: the listener asks by itself until it resumes. */
  onStall(): void
  /** It answers after all: what was published meanwhile comes late, in order. */
  onResume(): void
  onDisconnect(): void
}

export interface ChangeFeedSubscriber {
  /** Starts listening; keeps reconnecting until closed. Resolves at once, never waits for the connection. */
  subscribe(listener: ChangeFeedListener): void
  isConnected(): boolean
  close(): Promise<void>
}
