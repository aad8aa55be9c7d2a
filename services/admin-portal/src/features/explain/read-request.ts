import type { ExplainInput } from '@gpt-load/contracts/api/explain'

/** `Name: value` lines. null = a line is none. */
export function readHeaders(text: string): Record<string, string> | null {
  const headers: Record<string, string> = {}
  for (const line of text.split('\n').filter((each) => each.trim() !== '')) {
    const [, name, value] = /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*?)\s*$/.exec(line) ?? []
    if (name === undefined || value === undefined) return null
    headers[name] = value
  }
  return headers
}

/** A JSON object. undefined = none, null = something else. */
export function readBody(text: string): ExplainInput['body'] | null {
  if (text.trim() === '') return undefined
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as ExplainInput['body']) : null
  } catch {
    return null
  }
}
