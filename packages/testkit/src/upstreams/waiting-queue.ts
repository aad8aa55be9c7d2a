export interface WaitingQueue<T> {
  push(item: T): void
  /** Takes the oldest item that matches, waiting for it when there is none. */
  next(options: { what: string; timeoutMs?: number; matches?: (item: T) => boolean }): Promise<T>
}

/** Nobody takes from most queues; they forget their oldest items. */
const MAX_ITEMS = 10_000
const TIMEOUT_MS = 5_000

/** What has happened and what is awaited, met in order. */
export function createWaitingQueue<T>(maxItems = MAX_ITEMS): WaitingQueue<T> {
  const items: T[] = []
  const waiting = new Set<(item: T) => boolean>()
  return {
    push(item) {
      for (const offer of waiting) if (offer(item)) return
      items.push(item)
      if (items.length > maxItems) items.shift()
    },
    next({ what, timeoutMs = TIMEOUT_MS, matches = () => true }) {
      const index = items.findIndex(matches)
      if (index >= 0) return Promise.resolve(items.splice(index, 1)[0] as T)
      return new Promise((resolve, reject) => {
        const offer = (item: T) => {
          if (!matches(item)) return false
          clearTimeout(timer)
          waiting.delete(offer)
          resolve(item)
          return true
        }
        const timer = setTimeout(() => {
          waiting.delete(offer)
          reject(new Error(`no ${what.replace(/^an? /, '')} within ${timeoutMs} ms`))
        }, timeoutMs)
        waiting.add(offer)
      })
    },
  }
}
