/** Headers are raw pairs; names compare without case (RFC 9110 5.1). */
export function headerValue(headers: readonly string[], name: string): string | null {
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (isNamed(headers[index]!, name)) return headers[index + 1]!
  }
  return null
}

function isNamed(name: string, wanted: string): boolean {
  return name.length === wanted.length && name.toLowerCase() === wanted
}
