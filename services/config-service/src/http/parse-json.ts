/**
 * JSON text of a request -> value, with the place of the mistake when it is none. The engine's own messages are not used:
 * they quote the text, which may hold a secret, and name no position for some mistakes. Invariant: no input makes it
 * throw, none nests deeper than `maxJsonDepth` (schemas walk values recursively).
 */
export const maxJsonDepth = 64

export type JsonResult = { ok: true; value: unknown } | { ok: false; problem: string; line: number; column: number }

const tokenPattern =
  /[ \t\n\r]*(?:([{}[\]:,])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null))/y

export function parseJson(text: string): JsonResult {
  if (nestsTooDeep(text)) return failure(text, 0, `nests deeper than ${maxJsonDepth} levels`)
  try {
    return { ok: true, value: JSON.parse(text) as unknown }
  } catch {
    const offset = firstMistake(text)
    return failure(text, offset, offset >= text.trimEnd().length ? 'ends too early' : 'is not JSON')
  }
}

function nestsTooDeep(text: string): boolean {
  let depth = 0
  let isInString = false
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (isInString) {
      if (code === 0x5c) index += 1
      else if (code === 0x22) isInString = false
    } else if (code === 0x22) isInString = true
    else if (code === 0x7b || code === 0x5b) {
      depth += 1
      if (depth > maxJsonDepth) return true
    } else if (code === 0x7d || code === 0x5d) depth -= 1
  }
  return false
}

function failure(text: string, offset: number, problem: string): JsonResult {
  const before = text.slice(0, offset)
  const line = before.split('\n').length
  return { ok: false, problem, line, column: offset - (before.lastIndexOf('\n') + 1) + 1 }
}

/** What may come next; `end` = nothing but blanks. */
type Expectation = 'value' | 'valueOrClose' | 'name' | 'nameOrClose' | 'colon' | 'commaOrClose' | 'end'

/** Offset of the first token that cannot stand where it does; only called for text that the engine has refused. */
function firstMistake(text: string): number {
  const open: ('{' | '[')[] = []
  let expected: Expectation = 'value'
  let offset = 0
  for (;;) {
    tokenPattern.lastIndex = offset
    const match = tokenPattern.exec(text)
    if (match === null) return skipBlanks(text, offset)
    const next = afterToken(expected, match, open)
    if (next === null) return skipBlanks(text, offset)
    expected = next
    offset = tokenPattern.lastIndex
  }
}

function afterToken(expected: Expectation, match: RegExpExecArray, open: ('{' | '[')[]): Expectation | null {
  const [, mark, string, scalar] = match
  const isValueExpected = expected === 'value' || expected === 'valueOrClose'
  if (string !== undefined && (expected === 'name' || expected === 'nameOrClose')) return 'colon'
  if (string !== undefined || scalar !== undefined) return isValueExpected ? afterValue(open) : null
  if (mark === '{' || mark === '[') {
    if (!isValueExpected) return null
    open.push(mark)
    return mark === '{' ? 'nameOrClose' : 'valueOrClose'
  }
  if (mark === ':') return expected === 'colon' ? 'value' : null
  if (mark === ',') return expected === 'commaOrClose' ? (open.at(-1) === '{' ? 'name' : 'value') : null
  const closes = open.at(-1) === '{' ? '}' : ']'
  const mayClose = expected === 'commaOrClose' || expected === 'nameOrClose' || expected === 'valueOrClose'
  if (open.length === 0 || mark !== closes || !mayClose) return null
  open.pop()
  return afterValue(open)
}

function afterValue(open: readonly unknown[]): Expectation {
  return open.length === 0 ? 'end' : 'commaOrClose'
}

function skipBlanks(text: string, offset: number): number {
  let index = offset
  while (index < text.length && ' \t\n\r'.includes(text.charAt(index))) index += 1
  return index
}
