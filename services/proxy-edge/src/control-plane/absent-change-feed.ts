import type { ChangeFeedSubscriber } from '@gpt-load/transport/change-feed'

/** No Redis: never connected, so changes come by long poll. */
export const absentChangeFeed: ChangeFeedSubscriber = {
  subscribe() {},
  isConnected: () => false,
  close: async () => {},
}
