import type { ChangeFeedPublisher } from '@gpt-load/transport/change-feed'

/** No Redis: nobody is told, edges long-poll instead. Being disconnected is what makes the watcher look often. */
export function createAbsentChangeFeed(): ChangeFeedPublisher {
  return { publish: async () => {}, isConnected: () => false, close: async () => {} }
}
