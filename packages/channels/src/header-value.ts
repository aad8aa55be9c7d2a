/** Headers are raw pairs; names compare without case (RFC 9110 5.1). */
export function headerValue(headers: readonly string[], name: string): string | null {
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (isHeaderName(headers[index]!, name)) return headers[index + 1]!
  }
  return null
}

/** Whatever the case of `name`; `lowerName` is lower case always. */
export function isHeaderName(name: string, lowerName: string): boolean {
  return name.length === lowerName.length && (name === lowerName || lowerCaseName(name) === lowerName)
}

const maxKnown = 1_024
const maxKnownLength = 64
const known = new Map<string, string>()

/** The same few names come with every request: they are looked up, not converted. */
export function lowerCaseName(name: string): string {
  const found = known.get(name)
  if (found !== undefined) return found
  const lower = name.toLowerCase()
  if (name.length > maxKnownLength) return lower
  if (known.size >= maxKnown) known.clear()
  known.set(name, lower)
  return lower
}
