// Turns a line of pino (JSON) into the line that is written: every text in it scrubbed, then formatted, then scrubbed
// once more, since a secret can be put together by the formatting (a number, two fields side by side). Control
// characters stay escaped, so that a logged text cannot forge a line.

import { isSecretFieldName, SECRET_MARK } from './secret-patterns.ts'

export type LogFormat = 'text' | 'json'

type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue }
type LogRecord = { [name: string]: JsonValue }

/** A longer text is cut: one line must not fill the log. */
const MAX_TEXT_CHARACTERS = 16_384
const WITHHELD = 'a line was withheld because it held a secret across its fields'

/** The line comes without its line feed and goes with it. */
export function createLineFormatter(format: LogFormat, scrub: (text: string) => string): (line: string) => string {
  const render = format === 'json' ? (record: LogRecord) => JSON.stringify(record) : renderText
  return (line) => {
    const record = scrubValue(JSON.parse(line) as LogRecord, scrub) as LogRecord
    const rendered = render(record)
    const scrubbed = scrub(rendered)
    if (scrubbed === rendered || format === 'text' || isJson(scrubbed)) return `${scrubbed}\n`
    return `${scrub(JSON.stringify({ level: 'warn', time: record['time'] ?? null, msg: WITHHELD }))}\n`
  }
}

function scrubValue(value: JsonValue, scrub: (text: string) => string): JsonValue {
  if (typeof value === 'string') return cut(scrub(value))
  if (typeof value === 'number') return scrub(String(value)) === String(value) ? value : SECRET_MARK
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item) => scrubValue(item, scrub))
  const entries = Object.entries(value).map(([name, inner]) => {
    const isSecret = isSecretFieldName(name) && inner !== null && typeof inner !== 'boolean'
    return [scrub(name), isSecret ? SECRET_MARK : scrubValue(inner, scrub)]
  })
  return Object.fromEntries(entries)
}

function cut(text: string): string {
  if (text.length <= MAX_TEXT_CHARACTERS) return text
  return `${text.slice(0, MAX_TEXT_CHARACTERS)}… (${text.length - MAX_TEXT_CHARACTERS} more characters)`
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** `2026-01-01T00:00:00.000Z INFO  message field=value`, an error's stack indented below. */
function renderText(record: LogRecord): string {
  const { level, time, msg, err, error, ...fields } = record
  const failure = err ?? error
  const head = `${printable(time)} ${printable(level).toUpperCase().padEnd(5)} ${printable(msg)}`
  const pairs = Object.entries(fields).map(([name, value]) => ` ${printable(name)}=${renderField(value)}`)
  return head + pairs.join('') + renderFailure(failure)
}

function renderFailure(failure: JsonValue | undefined): string {
  if (failure === undefined || failure === null) return ''
  if (typeof failure !== 'object' || Array.isArray(failure)) return ` err=${renderField(failure)}`
  const { type, message, stack, ...rest } = failure
  const details = Object.entries(rest).map(([name, value]) => ` err.${printable(name)}=${renderField(value)}`)
  const frames = typeof stack === 'string' ? stack.split('\n').filter((line) => /^\s+at /.test(line)) : []
  const lines = frames.map((frame) => `\n    ${printable(frame.trim())}`)
  return ` err=${renderField(`${printable(type)}: ${printable(message)}`)}${details.join('')}${lines.join('')}`
}

function renderField(value: JsonValue): string {
  if (typeof value === 'string') return /^[\w./:@-]+$/.test(value) ? value : escapeControls(JSON.stringify(value))
  return escapeControls(JSON.stringify(value))
}

function printable(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return ''
  return escapeControls(typeof value === 'string' ? value : JSON.stringify(value))
}

/** C0, DEL, C1 and the Unicode line ends: what a terminal obeys or takes for a new line. */
function escapeControls(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) => {
    if (character === '\n') return '\\n'
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
