import { ApiProblem } from './api-problem.ts'

/** The query of a URL: text per name, a list when a name is repeated. */
export function queryParameters(url: string): Record<string, string | string[]> {
  const start = url.indexOf('?')
  const parameters: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>
  if (start < 0) return { ...parameters }
  for (const [name, value] of new URLSearchParams(url.slice(start + 1))) {
    const before = parameters[name]
    if (before === undefined) parameters[name] = value
    else parameters[name] = Array.isArray(before) ? [...before, value] : [before, value]
  }
  return parameters
}

/** Percent-decoding of one segment of a path. */
export function decodeSegment(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new ApiProblem('bad_request', 'The path is not valid percent-encoding of UTF-8.')
  }
}
