// The change feed of standalone: publisher and subscribers in one process. Messages arrive in a later turn, as over a
// network, so that a publisher inside a transaction's end never runs a receiver's code. Nothing is queued for those who
// are not subscribed: they pull.

import type { ChangeFeedListener, ChangeFeedPublisher, ChangeFeedSubscriber } from './change-feed.ts'

export interface InProcessChangeFeed {
  readonly publisher: ChangeFeedPublisher
  createSubscriber(): ChangeFeedSubscriber
}

export function createInProcessChangeFeed(): InProcessChangeFeed {
  const listeners = new Set<ChangeFeedListener>()
  let isOpen = true
  const later = (listener: ChangeFeedListener, tell: () => void): void => {
    setImmediate(() => {
      if (listeners.has(listener)) tell()
    })
  }
  return {
    publisher: {
      async publish(message) {
        if (!isOpen) return
        for (const listener of listeners) later(listener, () => listener.onMessage(message))
      },
      isConnected: () => isOpen,
      async close() {
        isOpen = false
      },
    },
    createSubscriber: () => createSubscriber(listeners, later),
  }
}

function createSubscriber(
  listeners: Set<ChangeFeedListener>,
  later: (listener: ChangeFeedListener, tell: () => void) => void,
): ChangeFeedSubscriber {
  let own: ChangeFeedListener | undefined
  return {
    subscribe(listener) {
      if (own) throw new Error('a subscriber has one listener')
      own = listener
      listeners.add(listener)
      later(listener, () => listener.onConnect())
    },
    isConnected: () => own !== undefined && listeners.has(own),
    async close() {
      if (own && listeners.delete(own)) own.onDisconnect()
    },
  }
}
