import { type LogShipper, noLogShipperCounts } from './log-shipper.ts'

/** Where there is no log stream: records are counted and gone, so that the loss has a number. */
export function createDroppingLogShipper(): LogShipper {
  const counts = noLogShipperCounts()

  function drop(count: number): void {
    counts.served += count
    counts.dropped += count
  }

  return {
    add: ({ count }) => drop(count),
    noteLost: (_source, count) => drop(count),
    sources: () => [],
    counts,
    resume() {},
    flush: async () => true,
    close: async () => {},
  }
}
