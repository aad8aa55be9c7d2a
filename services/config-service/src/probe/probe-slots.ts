import type { Clock } from '@gpt-load/service-kit/clock'

/** Probes at the same time: each holds a socket and a request for up to its timeout. */
export interface ProbeSlots {
  /** null = all are taken. */
  take(): { release(): void } | null
}

/** That people ask for, whoever they are. */
export const maxConcurrentProbes = 64
const slotPollMs = 50

export function createProbeSlots(max = maxConcurrentProbes): ProbeSlots {
  let taken = 0
  return {
    take() {
      if (taken >= max) return null
      taken += 1
      let isHeld = true
      return {
        release() {
          if (isHeld) taken -= 1
          isHeld = false
        },
      }
    },
  }
}

/** Waits for a slot as long as it takes. */
export async function inSlot<T>(slots: ProbeSlots, clock: Pick<Clock, 'sleep'>, work: () => Promise<T>): Promise<T> {
  for (;;) {
    const slot = slots.take()
    if (slot === null) {
      await clock.sleep(slotPollMs)
      continue
    }
    try {
      return await work()
    } finally {
      slot.release()
    }
  }
}
