import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { publishJsonSchema, schemaWords } from '../src/publish-json-schema.ts'

test('gpt-load.schema.json is what contracts say (else run: node src/write-json-schema.ts)', () => {
  const published: unknown = JSON.parse(readFileSync(new URL('../gpt-load.schema.json', import.meta.url), 'utf8'))
  assert.deepEqual(published, JSON.parse(JSON.stringify(publishJsonSchema())))
})

test('the published schema refuses unknown fields, lets an editor name it and asks for what has no default', () => {
  const schema = publishJsonSchema()
  assert.equal(schema['additionalProperties'], false)
  assert.deepEqual(schema['required'], ['version'])
  assert.ok('$schema' in (schema['properties'] as object))
})

test('the words of the schema are its fields and choices', () => {
  const words = schemaWords()
  for (const word of ['groups', 'keys_file', 'azure-openai', 'max_retries', 'remove']) assert.ok(words.has(word), word)
})
