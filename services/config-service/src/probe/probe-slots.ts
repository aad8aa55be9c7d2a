/** Manual probes at the same time, whoever asks: each holds a socket and a request for up to its timeout. */
export interface ProbeSlots {
  /** null = all are taken. */
  take(): { release(): void } | null
}

export const maxConcurrentProbes = 64

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
