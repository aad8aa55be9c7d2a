/** Share of a weight among all, in percent; 0 when nothing is on. */
export function shareOf(weight: number, all: readonly number[]): number {
  const sum = all.reduce((total, each) => total + each, 0)
  return sum === 0 ? 0 : Math.round((weight / sum) * 100)
}
