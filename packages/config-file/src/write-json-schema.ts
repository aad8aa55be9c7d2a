// Writes gpt-load.schema.json: `node src/write-json-schema.ts`. A test compares it with the schema in contracts.
import { writeFileSync } from 'node:fs'
import { publishJsonSchema } from './publish-json-schema.ts'

writeFileSync(new URL('../gpt-load.schema.json', import.meta.url), `${JSON.stringify(publishJsonSchema(), null, 2)}\n`)
