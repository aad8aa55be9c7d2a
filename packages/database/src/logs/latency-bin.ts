/**
 * Latency is kept as counts in logarithmic bins, 8 per octave (each 9 % wide), so that percentiles of any range, group or
 * model are sums. Bin 0 is below 1 ms; bin 200 begins at 9 hours.
 */
const binsPerOctave = 8
const maxBin = 255

export function latencyBin(ms: number): number {
  if (ms < 1) return 0
  return Math.min(maxBin, 1 + Math.floor(Math.log2(ms) * binsPerOctave))
}

/** Geometric middle of a bin, ms: what a percentile that falls into it is reported as. */
export function latencyOfBin(bin: number): number {
  return bin === 0 ? 0.5 : 2 ** ((bin - 0.5) / binsPerOctave)
}
