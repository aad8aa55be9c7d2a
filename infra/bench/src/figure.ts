/** One thing that was measured: its unit is part of its name nowhere, so it is a field. */
export type Figure = {
  name: string
  unit: string
  /** One value per round. */
  values: readonly number[]
  /** What an issue or a promise asks for, in words. */
  target?: string
}

export type ScenarioReport = { title: string; conditions: string; figures: readonly Figure[] }

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** How far the rounds lie apart, as a share of the median. */
export function spread(values: readonly number[]): number {
  const center = median(values)
  return center === 0 ? 0 : (Math.max(...values) - Math.min(...values)) / Math.abs(center)
}

export function formatNumber(value: number): string {
  const size = Math.abs(value)
  if (size >= 100) return value.toFixed(0)
  return size >= 10 ? value.toFixed(1) : value.toFixed(2)
}
