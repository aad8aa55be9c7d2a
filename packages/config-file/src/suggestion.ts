/** The candidate that was probably meant: same letters in another style (testModel), or few typing mistakes away. */
export function closestName(name: string, candidates: readonly string[]): string | undefined {
  const wanted = plain(name)
  const same = candidates.find((candidate) => plain(candidate) === wanted)
  if (same !== undefined) return same
  const maxDistance = Math.max(1, Math.floor(wanted.length / 3))
  let best: { readonly candidate: string; readonly distance: number } | undefined
  for (const candidate of candidates) {
    // Comparing costs length times length; a name that is far longer is not meant.
    if (Math.abs(candidate.length - name.length) > maxDistance + 2) continue
    const distance = editDistance(wanted, plain(candidate))
    if (distance <= maxDistance && distance < (best?.distance ?? Number.POSITIVE_INFINITY))
      best = { candidate, distance }
  }
  return best?.candidate
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[-_ ]/g, '')
}

/** Damerau-Levenshtein, adjacent transpositions only (optimal string alignment). */
export function editDistance(left: string, right: string): number {
  let beforePrevious: number[] = []
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= right.length; column += 1) {
      const isSame = left[row - 1] === right[column - 1]
      const isSwap = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]
      const costs = [at(previous, column) + 1, at(current, column - 1) + 1, at(previous, column - 1) + (isSame ? 0 : 1)]
      if (isSwap) costs.push(at(beforePrevious, column - 2) + 1)
      current.push(Math.min(...costs))
    }
    beforePrevious = previous
    previous = current
  }
  return at(previous, right.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
