/** One thing that was measured. */
export type Figure = {
  name: string
  unit: string
  /** One value per round. */
  values: readonly number[]
  /** What an issue or a promise asks for. */
  target?: Target
}

/** Bounds hold for the median. */
export type Target = { atMost: number } | { atLeast: number } | { between: readonly [number, number] }

/** Bars of one chart: names of figures of the same unit. */
export type Chart = { title: string; figures: readonly string[] }

export type ScenarioReport = {
  title: string
  conditions: string
  figures: readonly Figure[]
  charts?: readonly Chart[]
  /** What was left out, and why. */
  notes?: readonly string[]
}

export function figure(name: string, unit: string, values: readonly number[], target?: Target): Figure {
  return target === undefined ? { name, unit, values } : { name, unit, values, target }
}

/** Round by round: what slows the machine for a while slows both. */
export function ratioFigure(
  name: string,
  values: readonly number[],
  against: readonly number[],
  target?: Target,
): Figure {
  return figure(
    name,
    'x',
    values.map((value, round) => value / against[round]!),
    target,
  )
}

export function differenceFigure(
  name: string,
  unit: string,
  values: readonly number[],
  against: readonly number[],
  target?: Target,
): Figure {
  return figure(
    name,
    unit,
    values.map((value, round) => value - against[round]!),
    target,
  )
}

export function describeTarget(target: Target): string {
  if ('atMost' in target) return `≤ ${target.atMost}`
  return 'atLeast' in target ? `≥ ${target.atLeast}` : `${target.between[0]} to ${target.between[1]}`
}

export function isMet(target: Target, value: number): boolean {
  if ('atMost' in target) return value <= target.atMost
  return 'atLeast' in target ? value >= target.atLeast : value >= target.between[0] && value <= target.between[1]
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Nearest rank. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]!
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
