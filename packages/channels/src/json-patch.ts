import { joinBytes } from './json-bytes.ts'
import { layOutObject } from './json-members.ts'
import type { JsonObjectLayout } from './json-members.ts'

/**
 * Replaces or adds top-level members of a JSON object in place. Everything else keeps its bytes: order, number text,
 * escapes, blanks. Every duplicate of a name is replaced, so that a reader for whom the first wins sees the same value
 * as one for whom the last wins.
 *
 * @param replacements JSON text per member name; absent members are appended in this order.
 * @returns null when `bytes` is not one well-formed JSON object.
 */
export function patchJsonObject(bytes: Uint8Array, replacements: Readonly<Record<string, string>>): Uint8Array | null {
  const layout = layOutObject(bytes)
  if (layout === null) return null
  const values = new Map(Object.entries(replacements))
  const parts: Uint8Array[] = []
  let copiedTo = 0
  const seen = new Set<string>()
  for (const { name, valueStart, valueEnd } of layout.members) {
    const value = values.get(name)
    if (value === undefined) continue
    seen.add(name)
    parts.push(bytes.subarray(copiedTo, valueStart), encoder.encode(value))
    copiedTo = valueEnd
  }
  const added = [...values].filter(([name]) => !seen.has(name))
  if (added.length > 0) {
    const at = endOfMembers(layout)
    parts.push(bytes.subarray(copiedTo, at), encoder.encode(memberText(added, layout.members.length > 0)))
    copiedTo = at
  }
  return parts.length === 0 ? bytes : joinBytes([...parts, bytes.subarray(copiedTo)])
}

const encoder = new TextEncoder()

function endOfMembers({ members, openAt }: JsonObjectLayout): number {
  return members.at(-1)?.valueEnd ?? openAt + 1
}

function memberText(added: readonly (readonly [string, string])[], follows: boolean): string {
  const text = added.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')
  return follows ? `,${text}` : text
}
