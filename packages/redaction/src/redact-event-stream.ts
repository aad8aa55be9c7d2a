import type { Redact } from './compile-redaction.ts'

/**
 * Redacts server-sent events. A model streams an address as `bob`, `@exam`, `ple.com`, which no rule would see: strings that
 * stand at the same place of consecutive JSON events are read as one text, and what a rule changes in it is written back, the
 * replacement into the event where the match begins. Other lines are redacted as they are.
 */
export function redactEventStream(text: string, redact: Redact): string {
  const lines = text.split('\n')
  const events = lines.flatMap((line, index) => parseEvent(line, index))
  const changed = new Set<StreamEvent>()
  for (const pieces of piecesByPlace(events).values()) redactPieces(pieces, redact, changed)
  for (const event of changed) lines[event.line] = `data: ${JSON.stringify(event.value)}${event.end}`
  return redact(lines.join('\n'))
}

type StreamEvent = { line: number; value: object; end: string }
/** One string of one event. */
type Piece = { event: StreamEvent; holder: Record<string, unknown>; name: string; text: string }

/** Deeper values are redacted with their line only. */
const maxDepth = 12

function parseEvent(line: string, index: number): StreamEvent[] {
  if (!line.startsWith('data:')) return []
  try {
    const value: unknown = JSON.parse(line.slice(5))
    return typeof value === 'object' && value !== null
      ? [{ line: index, value, end: line.endsWith('\r') ? '\r' : '' }]
      : []
  } catch {
    return []
  }
}

function piecesByPlace(events: readonly StreamEvent[]): Map<string, Piece[]> {
  const places = new Map<string, Piece[]>()
  for (const event of events)
    collect(event.value as Record<string, unknown>, '', 0, (place, holder, name, text) => {
      const pieces = places.get(place) ?? []
      pieces.push({ event, holder, name, text })
      places.set(place, pieces)
    })
  return places
}

type Visit = (place: string, holder: Record<string, unknown>, name: string, text: string) => void

function collect(holder: Record<string, unknown>, path: string, depth: number, visit: Visit): void {
  for (const [name, value] of Object.entries(holder)) {
    const place = `${path}/${name}`
    if (typeof value === 'string') visit(place, holder, name, value)
    else if (typeof value === 'object' && value !== null && depth < maxDepth)
      collect(value as Record<string, unknown>, place, depth + 1, visit)
  }
}

/** What is equal at both ends of a text before and after redaction stays where it was; the middle goes to its first piece. */
function redactPieces(pieces: readonly Piece[], redact: Redact, changed: Set<StreamEvent>): void {
  const before = pieces.map(({ text }) => text).join('')
  const after = redact(before)
  if (after === before) return
  const redacted = spread(before, after, pieces)
  for (const [index, piece] of pieces.entries()) {
    const text = redacted[index] ?? ''
    if (text === piece.text) continue
    piece.holder[piece.name] = text
    changed.add(piece.event)
  }
}

/** Pieces of `after` that take the places of those of `before`. */
function spread(before: string, after: string, pieces: readonly Piece[]): string[] {
  const start = equalBegin(before, after)
  const end = before.length - equalEnd(before, after, start)
  const middle = after.slice(start, after.length - (before.length - end))
  let at = 0
  let isPlaced = false
  return pieces.map(({ text }) => {
    const from = at
    at += text.length
    const head = text.slice(0, Math.max(0, start - from))
    const tail = text.slice(Math.max(0, end - from))
    const isFirst = !isPlaced && at > start
    isPlaced ||= isFirst
    if (at <= start || from >= end) return isFirst ? middle + text : text
    return head + (isFirst ? middle : '') + tail
  })
}

function equalBegin(a: string, b: string): number {
  const longest = Math.min(a.length, b.length)
  let length = 0
  while (length < longest && a[length] === b[length]) length += 1
  return length
}

function equalEnd(a: string, b: string, begun: number): number {
  const longest = Math.min(a.length, b.length) - begun
  let length = 0
  while (length < longest && a[a.length - 1 - length] === b[b.length - 1 - length]) length += 1
  return length
}
