import type { KeyLine } from '@gpt-load/contracts/parse-keys-text'
import { noteSchema, weightSchema } from '@gpt-load/contracts/group-shape'
import { z } from 'zod'

/** One key of what was sent, with what its line says of it, or why the line cannot be read: never quoted. */
export type ImportEntry = KeyLine | { line: number; problem: string }

const blank = z.literal('').or(z.null())
const keyWeightSchema = weightSchema.min(1)
const weightText = z
  .string()
  .regex(/^\d{1,4}$/)
  .transform(Number)
  .pipe(keyWeightSchema)

const entrySchema = z.object({
  key: z.string(),
  note: blank.or(noteSchema).optional(),
  weight: blank.or(keyWeightSchema).or(weightText).optional(),
})

const problems: Readonly<Record<string, string>> = {
  note: 'has a note that is no text of at most 255 characters',
  weight: 'has a weight that is no whole number from 1 to 1000',
}
const noKey = 'is neither a string nor an object with a string "key"'

/** A string, or an object with `key`, and `note` and `weight` where they are not empty; others of its members are not looked at. */
export function keyEntry(line: number, value: unknown): ImportEntry {
  const { data, error } = entrySchema.safeParse(typeof value === 'string' ? { key: value } : value)
  if (data === undefined) return { line, problem: problems[String(error.issues[0]?.path[0])] ?? noKey }
  const { key, note, weight } = data
  return { line, key, ...(note ? { note } : {}), ...(typeof weight === 'number' ? { weight } : {}) }
}
