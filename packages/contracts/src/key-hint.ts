/**
 * What a secret looks like in answers and logs: enough to recognise it, never more than a third of it. First and last
 * characters are shown in equal number, at most four each; a short secret shows nothing.
 */
const shownAtEachEnd = 4

export function keyHint(secret: string): string {
  const characters = [...secret]
  const shown = Math.min(shownAtEachEnd, Math.floor(characters.length / 6))
  if (shown === 0) return '…'
  return `${characters.slice(0, shown).join('')}…${characters.slice(-shown).join('')}`
}
