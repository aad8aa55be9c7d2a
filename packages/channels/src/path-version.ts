/** Puts a version prefix before paths whose first segment the provider knows; any other path stays as it is. */
export function withVersion(path: string, prefix: string, firstSegments: ReadonlySet<string>): string {
  return firstSegments.has(firstSegment(path)) ? prefix + path : path
}

export function firstSegment(path: string): string {
  const end = path.indexOf('/', 1)
  return end === -1 ? path.slice(1) : path.slice(1, end)
}

/** Percent-decoded, or as it is where the encoding is broken. */
export function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
