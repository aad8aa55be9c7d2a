import fc, { type Arbitrary } from 'fast-check'
import { z } from 'zod'
import type { JsonSchema } from '../../src/http/reference/render-schema.ts'

/** Values that a schema of the contract may take, by its JSON Schema, and what no client should send in their place. */
const maxGeneratedLength = 40
const maxGeneratedItems = 4

/** Most are valid; refinements that JSON Schema cannot say are left to chance. */
export function valuesOf(schema: z.ZodType): Arbitrary<unknown> {
  return arbitraryOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema)
}

function arbitraryOf(schema: JsonSchema): Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  const branches = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]
  if (branches.length > 0) return fc.oneof(...branches.map(arbitraryOf))
  const types = Array.isArray(schema.type) ? schema.type : [schema.type]
  return fc.oneof(...types.map((type) => ofType(type, schema)))
}

function ofType(type: string | undefined, schema: JsonSchema): Arbitrary<unknown> {
  if (type === 'string') return textOf(schema)
  if (type === 'boolean') return fc.boolean()
  if (type === 'null') return fc.constant(null)
  if (type === 'integer' || type === 'number') return integerOf(schema)
  if (type === 'array') {
    const { items = {}, minItems = 0, maxItems = maxGeneratedItems } = schema
    return fc.array(arbitraryOf(items), { minLength: minItems, maxLength: Math.max(minItems, Math.min(maxItems, 4)) })
  }
  if (type === 'object') return objectOf(schema)
  return fc.jsonValue({ maxDepth: 2 })
}

function textOf({ format, pattern, minLength = 0, maxLength = maxGeneratedLength }: JsonSchema): Arbitrary<string> {
  if (format === 'date-time')
    return fc
      .date({ min: new Date(0), max: new Date('2100-01-01T00:00:00Z'), noInvalidDate: true })
      .map((date) => date.toISOString())
  if (format === 'uri')
    return fc.constantFrom('https://api.example.com', 'http://127.0.0.1:9/v1', 'https://u:p@h.example')
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern))
  const bounds = { minLength, maxLength: Math.max(minLength, Math.min(maxLength, maxGeneratedLength)) }
  return fc.oneof(fc.string(bounds), fc.string({ ...bounds, unit: 'grapheme' }))
}

function integerOf({ minimum = -1_000, maximum = 1_000_000 }: JsonSchema): Arbitrary<number> {
  const min = Math.max(minimum, Number.MIN_SAFE_INTEGER)
  const max = Math.max(min, Math.min(maximum, Number.MAX_SAFE_INTEGER))
  return fc.oneof(fc.integer({ min, max: Math.min(max, min + 20) }), fc.constantFrom(min, max))
}

function objectOf({ properties = {}, required = [], additionalProperties, propertyNames }: JsonSchema) {
  const known = fc.record(
    Object.fromEntries(Object.entries(properties).map(([name, member]) => [name, arbitraryOf(member)])),
    { requiredKeys: required.filter((name) => name in properties) },
  )
  if (typeof additionalProperties !== 'object') return known
  const names = propertyNames === undefined ? fc.string({ minLength: 1 }) : arbitraryOf(propertyNames).map(String)
  return fc
    .tuple(known, fc.dictionary(names, arbitraryOf(additionalProperties), { maxKeys: 3 }))
    .map(([some, more]) => ({ ...more, ...some }))
}

/** As JSON text: what JSON.stringify would not write is among it. */
const nested = (depth: number, [open, close]: readonly [string, string]) => open.repeat(depth) + close.repeat(depth)
export const hostileJson: Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    'null',
    '1e400',
    '-0',
    '9007199254740993',
    '1e308',
    '-9223372036854775809',
    '0.1',
    'true',
    '[]',
    '{}',
    '""',
    '"\\u0000"',
    '"\\ud800"',
    '"\\udfff\\ud800x"',
    '"\\u202e\\ufeff"',
    `"${'x'.repeat(70_000)}"`,
    '{"__proto__":{"a":1},"constructor":null}',
    '{"a":1,"a":2}',
    `[${'0,'.repeat(2_000)}0]`,
    nested(60, ['[', ']']),
    nested(200, ['[', ']']),
    `${'{"a":'.repeat(100)}1${'}'.repeat(100)}`,
  ),
  fc.json({ maxDepth: 3 }),
)

/** Valid values with one member, somewhere, put in place of another. */
export function spoiled(values: Arbitrary<unknown>): Arbitrary<string> {
  return fc.tuple(values, fc.nat(30), hostileJson).map(([value, place, hostile]) => {
    const mark = '\u0001spoiled\u0001'
    const text = JSON.stringify(replaceAt(value, { left: place }, mark)) ?? 'null'
    return text.includes(JSON.stringify(mark)) ? text.replace(JSON.stringify(mark), () => hostile) : hostile
  })
}

/** The member that is reached after so many others. */
function replaceAt(value: unknown, count: { left: number }, mark: string): unknown {
  if (count.left < 0) return value
  count.left -= 1
  if (count.left < 0) return mark
  if (Array.isArray(value)) return value.map((item) => replaceAt(item, count, mark))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, replaceAt(member, count, mark)]))
}
