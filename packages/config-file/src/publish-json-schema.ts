import { configFileSchema } from '@gpt-load/contracts/config-file'
import { z } from 'zod'

export type JsonSchema = { readonly [keyword: string]: unknown }

/** The JSON Schema of the configuration file, for editors: draft 7, which they support best. */
export function publishJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(configFileSchema, { target: 'draft-7', io: 'input', reused: 'ref' })
  const { $schema, ...rest } = schema
  const properties = { $schema: { type: 'string', description: 'Names this schema to an editor; otherwise ignored.' } }
  return {
    $schema,
    title: 'GPT-Load configuration',
    description: 'gpt-load.yaml, applied by `npm start -- --config FILE` and by the CLI.',
    ...rest,
    properties: { ...properties, ...rest.properties },
  }
}

/** Names of fields and choices: the words of a configuration file that are surely no secret. */
export function schemaWords(): ReadonlySet<string> {
  const words = new Set<string>(['true', 'false', 'null'])
  collectWords(publishJsonSchema(), words)
  return words
}

function collectWords(schema: unknown, words: Set<string>): void {
  if (Array.isArray(schema)) return schema.forEach((item) => collectWords(item, words))
  if (typeof schema !== 'object' || schema === null) return
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword === 'properties') for (const name of Object.keys(value as object)) words.add(name)
    if (keyword === 'enum') for (const choice of value as unknown[]) words.add(String(choice))
    collectWords(value, words)
  }
}
