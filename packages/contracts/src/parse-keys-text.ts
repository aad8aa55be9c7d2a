import { providerKeySchema } from './group-shape.ts'

/**
 * Text -> keys with the line of each (from 1). A JSON array of strings when it parses as one and is not empty; else keys
 * between blanks, commas and semicolons; a line that begins with # is a comment (GPT-Load's parser plus comments).
 */
export type KeyLine = {
  line: number
  key: string
  /** Of this key alone; else that of all keys of the import. */
  note?: string
  /** The same for this. */
  weight?: number
  /** `invalid`: another system has condemned it; probes decide whether it comes back. */
  state?: 'active' | 'invalid'
}

export function parseKeysText(text: string): KeyLine[] {
  return parseJsonArray(text) ?? [...linesOf(text)].flatMap(({ line, content }) => keysOfLine(content, line))
}

/** One line of a keys file. */
export function keysOfLine(content: string, line: number): KeyLine[] {
  if (content.trimStart().startsWith('#')) return []
  return content
    .split(/[\s,;]+/)
    .filter((key) => key !== '')
    .map((key) => ({ line, key }))
}

/** Why a key cannot be stored; null when it can. Never quotes the key. */
export function keyProblem(key: string): string | null {
  const result = providerKeySchema.safeParse(key)
  return result.success ? null : (result.error.issues[0]?.message ?? 'is not a key')
}

function parseJsonArray(text: string): KeyLine[] | null {
  if (!text.trimStart().startsWith('[')) return null
  try {
    const value: unknown = JSON.parse(text)
    if (!Array.isArray(value) || value.length === 0) return null
    if (!value.every((item) => typeof item === 'string')) return null
    return value.map((key: string, index) => ({ line: index + 1, key: key.trim() })).filter(({ key }) => key !== '')
  } catch {
    return null
  }
}

function* linesOf(text: string): Generator<{ line: number; content: string }> {
  let line = 0
  for (const content of text.split(/\r\n|\n|\r/)) {
    line += 1
    yield { line, content }
  }
}
