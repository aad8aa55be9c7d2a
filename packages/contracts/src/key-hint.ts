const shownAtEachEnd = 4

/**
 * What a secret looks like in answers, masks and logs, the same everywhere: enough to recognise it, never more than a third of
 * it. First and last characters are shown in equal number, at most four each; a short secret shows nothing.
 */
export function keyHint(secret: string): string {
  // Edges ask for each attempt: no array of characters, though one may take two units of the string.
  const hasPairs = /[\ud800-\udfff]/.test(secret)
  const shown = Math.min(shownAtEachEnd, Math.floor(secret.length / (hasPairs ? 12 : 6)))
  if (shown === 0) return '…'
  const hint = `${secret.slice(0, shown)}…${secret.slice(-shown)}`
  return hasPairs ? hint.toWellFormed() : hint
}
