import * as fc from 'fast-check'

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** A name or string as JSON text, with some characters written as escapes although they need not be. */
function stringText(value: string): fc.Arbitrary<string> {
  return fc.array(fc.boolean(), { minLength: value.length, maxLength: value.length }).map((escapes) => {
    const characters = Array.from({ length: value.length }, (_unused, at) => value.charAt(at))
    const body = characters.map((character, at) =>
      escapes[at] ? escaped(character) : JSON.stringify(character).slice(1, -1),
    )
    return `"${body.join('')}"`
  })
}

const blank = fc.stringMatching(/^[ \n\r\t]{0,2}$/)
const names = fc.constantFrom('model', 'stream', 'previous_response_id', 'm"odel', 'modèle', '', 'a\\', '__proto__')
const strings = fc.oneof(
  fc.constantFrom('gpt-4', '{"model":"no"}', '\\', '"', 'x\\"', '[', '\u{1f600}', '}'),
  fc.string(),
)
const numbers = fc.constantFrom('0', '-0', '1.50', '1e400', '12345678901234567890', '-1.5E-7')
const scalars = fc.oneof(strings.chain(stringText), numbers, fc.constantFrom('true', 'false', 'null'))

const { value } = fc.letrec<{ value: string; object: string; array: string }>((tie) => ({
  value: fc.oneof({ maxDepth: 4, withCrossShrink: true }, scalars, tie('object'), tie('array')),
  array: fc
    .tuple(blank, fc.array(fc.tuple(tie('value'), blank), { maxLength: 4 }))
    .map(([first, items]) => `[${first}${items.map(([item, after]) => item + after).join(`,${first}`)}]`),
  object: objectText(tie('value')),
}))

function objectText(values: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const member = fc
    .tuple(names.chain(stringText), blank, blank, values, blank)
    .map(([name, before, after, held, last]) => `${name}${before}:${after}${held}${last}`)
  return fc
    .tuple(blank, fc.array(member, { maxLength: 6 }))
    .map(([first, members]) => `{${first}${members.join(`,${first}`)}}`)
}

/** JSON texts as no serialiser writes them: odd blanks, needless escapes, duplicate names, huge numbers. */
export const jsonText = value
export const jsonObjectText = fc.tuple(blank, objectText(value), blank).map((parts) => parts.join(''))
