import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endpoints } from '@gpt-load/contracts/api/endpoints'
import { createOpenapiDocument } from '../../src/http/openapi.ts'

test('every reference of the OpenAPI document leads to something in it', () => {
  const document = createOpenapiDocument(endpoints, '1.2.3')
  const references = new Set(referencesIn(document))
  assert.ok(references.has('#/components/schemas/Problem') && references.size > 1)
  for (const reference of references) assert.ok(resolve(document, reference), reference)
})

test('what refers to itself is described once, whoever uses it', () => {
  const document = createOpenapiDocument(endpoints, '1.2.3') as { components: { schemas: object } }
  assert.deepEqual(Object.keys(document.components.schemas), ['Problem', 'JsonValue'])
  assert.equal(JSON.stringify(document).includes('$defs'), false)
})

function referencesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  const { $ref } = value as { $ref?: unknown }
  return [...(typeof $ref === 'string' ? [$ref] : []), ...Object.values(value).flatMap(referencesIn)]
}

function resolve(document: unknown, reference: string): unknown {
  const [root, ...path] = reference.split('/')
  assert.equal(root, '#')
  return path.reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], document)
}
