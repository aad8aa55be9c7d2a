/**
 * Counts what a pasted text holds, while it is typed: separated as the API does it (`keyAddSchema`; a test compares the two). What is
 * malformed, and what the group has already, only the API knows.
 */
export function previewKeys(text: string): { keys: number; duplicate: number } {
  const found = listed(text) ?? separated(text)
  const distinct = new Set(found).size
  return { keys: distinct, duplicate: found.length - distinct }
}

/** A JSON array of nothing but strings. */
function listed(text: string): string[] | null {
  if (!text.trimStart().startsWith('[')) return null
  try {
    const value: unknown = JSON.parse(text)
    if (!Array.isArray(value) || value.length === 0 || !value.every((item) => typeof item === 'string')) return null
    return value.map((item) => item.trim()).filter((item) => item !== '')
  } catch {
    return null
  }
}

function separated(text: string): string[] {
  const lines = text.split(/\r\n|\n|\r/).filter((line) => !line.trimStart().startsWith('#'))
  return lines.flatMap((line) => line.split(/[\s,;]+/)).filter((part) => part !== '')
}
