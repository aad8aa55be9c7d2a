import { html, type Html } from './html.ts'

/** A JSON Schema as zod writes it, for people: its type in a few words, and the members of objects below. */
export type JsonSchema = {
  type?: string | string[]
  description?: string
  format?: string
  pattern?: string
  enum?: unknown[]
  const?: unknown
  default?: unknown
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  items?: JsonSchema
  properties?: Record<string, JsonSchema>
  required?: string[]
  additionalProperties?: JsonSchema | boolean
  propertyNames?: JsonSchema
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  allOf?: JsonSchema[]
  $ref?: string
}

/** Deeper members are in the OpenAPI document. */
const maxDepth = 6

export function typeOf(schema: JsonSchema): string {
  const { type, format, items, const: constant, enum: values } = schema
  if (constant !== undefined) return JSON.stringify(constant)
  if (values !== undefined) return values.map((value) => JSON.stringify(value)).join(' | ')
  const branches = branchesOf(schema)
  if (branches.length > 0) return [...new Set(branches.map(typeOf))].join(' | ')
  if (schema.$ref !== undefined) return 'any JSON'
  if (type === 'array') return items === undefined ? 'array' : `array of ${typeOf(items)}`
  const name = Array.isArray(type) ? type.join(' | ') : (type ?? 'any JSON')
  return format === undefined ? name : `${name} (${format})`
}

export function boundsOf(schema: JsonSchema): string {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems, default: standard } = schema
  return [
    rangeOf('', minimum, maximum),
    rangeOf('length ', minLength, maxLength),
    rangeOf('items ', minItems, maxItems),
    standard === undefined ? '' : `default ${JSON.stringify(standard)}`,
  ]
    .filter((text) => text !== '')
    .join(', ')
}

function rangeOf(what: string, min: number | undefined, max: number | undefined): string {
  const isOpen = (bound: number | undefined) => bound === undefined || Math.abs(bound) === Number.MAX_SAFE_INTEGER
  if (isOpen(min)) return isOpen(max) ? '' : `${what}≤ ${max}`
  return isOpen(max) ? `${what}≥ ${min}` : `${what}${min} to ${max}`
}

/** The members of an object, or of the objects that an array or a choice is made of; null = there are none to show. */
export function renderMembers(schema: JsonSchema, depth = 0): Html | null {
  if (depth >= maxDepth) return null
  const { properties, required = [], items, additionalProperties } = schema
  if (properties !== undefined && Object.keys(properties).length > 0)
    return html`<ul class="members">
      ${Object.entries(properties).map(([name, member]) => renderMember(name, member, required.includes(name), depth))}
    </ul>`
  if (items !== undefined) return renderMembers(items, depth)
  if (typeof additionalProperties === 'object') return renderMembers(additionalProperties, depth)
  const branches = branchesOf(schema).flatMap((branch) => renderMembers(branch, depth) ?? [])
  return branches.length === 0 ? null : html`${branches}`
}

function renderMember(name: string, schema: JsonSchema, isRequired: boolean, depth: number): Html {
  const bounds = boundsOf(schema)
  return html`<li>
    <code>${name}</code> <span class="type">${typeOf(schema)}</span>${isRequired ? html` <em>required</em>` : ''}
    ${bounds === '' ? '' : html` <span class="bounds">${bounds}</span>`}
    ${schema.description === undefined ? '' : html` ${schema.description}`} ${renderMembers(schema, depth + 1)}
  </li>`
}

function branchesOf({ anyOf = [], oneOf = [], allOf = [] }: JsonSchema): JsonSchema[] {
  return [...anyOf, ...oneOf, ...allOf]
}
