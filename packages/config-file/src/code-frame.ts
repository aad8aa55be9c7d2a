import type { Position } from './source-document.ts'

/** Lines shown around the one with the caret. */
const LINES_BEFORE = 2
const LINES_AFTER = 1
/** A file may be one line of JSON. */
const MAX_COLUMNS = 100
const COLUMNS_BEFORE = 60

/** The lines around a position, numbered, with a caret below the place. `lines` are masked already. */
export function renderCodeFrame(lines: readonly string[], position: Position, length: number): string {
  const first = Math.max(1, position.line - LINES_BEFORE)
  const last = Math.min(lines.length, position.line + LINES_AFTER)
  const width = String(last).length
  const from = position.column > COLUMNS_BEFORE ? position.column - COLUMNS_BEFORE : 0
  const rendered: string[] = []
  for (let number = first; number <= last; number += 1) {
    const isTarget = number === position.line
    const line = visible(lines[number - 1] ?? '').slice(from, from + MAX_COLUMNS)
    rendered.push(`${isTarget ? '>' : ' '} ${String(number).padStart(width)} | ${line}`.trimEnd())
    if (isTarget) rendered.push(`  ${' '.repeat(width)} | ${caret(line, position.column - 1 - from, length)}`)
  }
  return rendered.join('\n')
}

function caret(line: string, at: number, length: number): string {
  const room = Math.max(1, line.length - at)
  return `${' '.repeat(at)}${'^'.repeat(Math.max(1, Math.min(length, room)))}`
}

/** One column per character, none that a terminal would obey. */
function visible(line: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return line
    .replace(/[\t\r]/g, ' ')
    .replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, '?')
}
