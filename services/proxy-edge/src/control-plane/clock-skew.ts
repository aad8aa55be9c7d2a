/**
 * Edge clock minus server clock. A sample is the edge's time when an answer was read minus the server's when it was made:
 * too large by the time that it was under way. The smallest of the last samples is closest to the truth.
 */
const samplesKept = 16

export function createClockSkew() {
  const samples: number[] = []
  return {
    /** Answers the estimate with this sample in it, ms. */
    add(serverTimeMs: number, edgeNowMs: number): number {
      samples.push(edgeNowMs - serverTimeMs)
      if (samples.length > samplesKept) samples.shift()
      return Math.min(...samples)
    },
  }
}
