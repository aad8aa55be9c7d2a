import { z } from 'zod'
import { noteSchema, weightSchema } from '../group-shape.ts'
import { causeSchema, keyStateSchema } from '../key-facts.ts'
import { keyStates } from '../key-state.ts'
import { instantInputSchema, instantSchema, listParameter } from './parameters.ts'
import { pageParameters } from './page.ts'

/** Provider keys are shown by `revealKey` only; `hint` is a part of one that is good for recognising it and nothing else. */
export const maxKeysPerRequest = 5_000
/** Text of one addition: 5,000 keys of 1,600 bytes; larger sets are imported. */
export const maxKeysBodyBytes = 8_388_608
/** Malformed lines that an answer lists; the count is complete. */
export const maxMalformedLines = 1_000

export const keyCauseSchema = z.object({ ...causeSchema.shape, at: instantSchema })

export const keySchema = z.object({
  id: z.number().int(),
  group_id: z.number().int(),
  hint: z.string(),
  note: z.string(),
  weight: z.number().int(),
  state: keyStateSchema,
  usable: z.boolean().describe('Whether a request may take it now: a deadline that has passed counts as over.'),
  until: instantSchema.nullable().describe('End of the state; null = none.'),
  generation: z.number().int(),
  failures: z.number().int().describe('Consecutive failures that count against it, on all edges.'),
  cause: keyCauseSchema.nullable(),
  last_probe: z.object({ at: instantSchema, ok: z.boolean() }).nullable(),
  next_probe_at: instantSchema.nullable().describe('When it is tried by itself; null = not planned.'),
  managed_by: z.string().nullable(),
  revision: z.number().int(),
  created_at: instantSchema,
  updated_at: instantSchema,
})
export type Key = z.infer<typeof keySchema>

export const keyTransitionEntrySchema = z.object({
  id: z.number().int(),
  at: instantSchema,
  model: z.string().nullable().describe('null = the key itself.'),
  state_from: keyStateSchema,
  state_to: keyStateSchema,
  until: instantSchema.nullable(),
  generation: z.number().int(),
  failures: z.number().int(),
  cause: keyCauseSchema.nullable(),
  applied: z.boolean().describe('false: it came for an older generation and changed nothing.'),
})

/** How far back requests per key are remembered (log-ingest's hours): a key that was not used since is as one that never was. */
export const keyUsageKeptDays = 90

const keyUsageShape = {
  last_used_at: instantSchema.nullable().describe('null = not in the last 90 days.'),
  last_day: z
    .object({ requests: z.number().int(), failures: z.number().int() })
    .describe('Attempts with this key in 24 hours with the present one, and those of them that failed.'),
}

/** What the request logs say about a key; null while they cannot be asked. */
export const keyUsageSchema = z.object(keyUsageShape)
export type KeyUsage = z.infer<typeof keyUsageSchema>

export const listedKeySchema = z.object({ ...keySchema.shape, usage: keyUsageSchema.nullable() })
export type ListedKey = z.infer<typeof listedKeySchema>

const keyHourSchema = z.object({ at: instantSchema, requests: z.number().int(), failures: z.number().int() })
/** Hours of `usage.hours`, the present one is the last. */
export const keyUsageHours = 24

const keyModelStateSchema = z.object({
  model: z.string(),
  state: keyStateSchema,
  until: instantSchema.nullable(),
  failures: z.number().int(),
  cause: keyCauseSchema.nullable(),
})

/** The newest transitions, newest first. */
export const maxHistoryEntries = 100
export const keyDetailSchema = z.object({
  ...keySchema.shape,
  models: z.array(keyModelStateSchema).describe('Models for which this key deviates from its own state.'),
  history: z.array(keyTransitionEntrySchema),
  usage: z
    .object({ ...keyUsageShape, hours: z.array(keyHourSchema).length(keyUsageHours).describe('Oldest first.') })
    .nullable()
    .describe('What the request logs say; null while they cannot be asked.'),
})
export type KeyDetail = z.infer<typeof keyDetailSchema>

const causeClassSchema = causeSchema.shape.class
export type CauseClass = z.infer<typeof causeClassSchema>

/** What keys are found by besides their state; all of it must hold. */
const keyConditions = {
  note: noteSchema.min(1).optional().describe('The whole note.'),
  suffix: z
    .string()
    .min(1)
    .max(4)
    .optional()
    .describe('The last characters, as many as the hint shows (four of a long key).'),
  search: z.string().min(1).max(100).optional().describe('Part of note or hint.'),
}

/** Of queries: lists come as text. */
export const keyConditionParameters = {
  state: listParameter(keyStateSchema, keyStates.length).optional().describe('Stored states, separated by commas.'),
  cause: listParameter(causeClassSchema, causeClassSchema.options.length)
    .optional()
    .describe('Classes of the cause of the present state, separated by commas.'),
  ...keyConditions,
}

/** Of bodies. */
export const keyFilterSchema = z.strictObject({
  state: z.array(keyStateSchema).min(1).max(keyStates.length).optional().describe('Stored states.'),
  cause: z
    .array(causeClassSchema)
    .min(1)
    .max(causeClassSchema.options.length)
    .optional()
    .describe('Classes of the cause of the present state.'),
  ...keyConditions,
})
export type KeyFilter = z.infer<typeof keyFilterSchema>

/** A page looks at a bounded number of keys: it may have fewer items than `limit`, or none, and still a `next_cursor`. */
export const keyListQuerySchema = z.strictObject({
  ...pageParameters,
  ...keyConditionParameters,
  used_since: instantInputSchema.optional().describe('Used then or later.'),
  unused_since: instantInputSchema.optional().describe('Not used since then, or never.'),
})

/**
 * `keys`: one key per item. `text`: a JSON array of strings, else keys between blanks, commas, semicolons and line ends;
 * lines that begin with # are comments. What is malformed is reported and left out, the rest is added.
 */
export const keyAddSchema = z
  .strictObject({
    keys: z.array(z.string()).min(1).max(maxKeysPerRequest).optional(),
    text: z.string().min(1).optional(),
    note: noteSchema.optional(),
    weight: weightSchema.min(1).optional(),
  })
  .refine(
    ({ keys, text }) => (keys === undefined) !== (text === undefined),
    'give the keys either as "keys" or as "text"',
  )
export type KeyAdd = z.infer<typeof keyAddSchema>

export const keyAddResultSchema = z.object({
  added: z.number().int(),
  duplicate: z.number().int().describe('Twice in the input, or in the group already.'),
  malformed: z.number().int(),
  malformed_lines: z
    .array(z.object({ line: z.number().int().describe('From 1.'), reason: z.string() }))
    .max(maxMalformedLines),
  total: z.number().int().describe('Keys in the group now.'),
})
export type KeyAddResult = z.infer<typeof keyAddResultSchema>

/** What a preview tells repeated keys by is held in memory: about 50 bytes each. */
export const maxPreviewedKeys = 1_000_000
export const keyImportPreviewSchema = z.object({
  new: z.number().int().describe('Would be added.'),
  duplicate: keyAddResultSchema.shape.duplicate,
  malformed: keyAddResultSchema.shape.malformed,
  malformed_lines: keyAddResultSchema.shape.malformed_lines,
})
export type KeyImportPreview = z.infer<typeof keyImportPreviewSchema>

export const keyPatchSchema = z.strictObject({
  note: noteSchema.nullable().optional(),
  weight: weightSchema.min(1).optional(),
})

export const keyDisableSchema = z.strictObject({
  note: noteSchema.optional(),
  until: instantInputSchema.optional().describe('Enabled again then; left out: for good.'),
})

export const keyTestResultSchema = z.object({
  valid: z.boolean(),
  status: z.number().int().nullable().describe('Of the upstream; null = no answer.'),
  code: z.string().describe("The provider's error code; empty when it named none."),
  message: z.string(),
  duration_ms: z.number().int(),
  state: keyStateSchema,
  until: instantSchema.nullable(),
})
export type KeyTestResult = z.infer<typeof keyTestResultSchema>

export const keyRevealedSchema = z.object({ id: z.number().int(), key: z.string() })
