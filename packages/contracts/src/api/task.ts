import { z } from 'zod'
import { noteSchema, weightSchema } from '../group-shape.ts'
import { keyStateSchema } from '../key-facts.ts'
import { taskKinds, taskStates } from '../task-state.ts'
import { keyConditionParameters, keyDisableSchema, keyFilterSchema, maxKeysPerRequest, type KeyFilter } from './key.ts'
import { pageParameters } from './page.ts'
import { entityIdSchema, idParameter, instantSchema, integerParameter, listParameter } from './parameters.ts'

/** Problems that a report lists; the count is complete. */
export const maxTaskProblems = 1_000

const countSchema = z.number().int()

export const taskSchema = z.object({
  id: z.number().int(),
  kind: z.enum(taskKinds),
  group_id: z.number().int(),
  to_group_id: z.number().int().nullable().describe('Of a copy or a move.'),
  state: z.enum(taskStates),
  cancel_requested: z.boolean(),
  total: countSchema.nullable().describe('Keys or entries to go through; null = not known beforehand.'),
  processed: countSchema,
  succeeded: countSchema.describe(
    'Added, deleted, restored, enabled, disabled, copied, moved, exported, or found valid.',
  ),
  skipped: countSchema.describe('There already, in the right state already, or a probe that proved nothing.'),
  failed: countSchema.describe('Malformed, or found invalid.'),
  error: z.string().nullable().describe('Why it failed as a whole.'),
  revision: z.number().int().nullable().describe('Of its last change to the configuration.'),
  output_until: instantSchema.nullable().describe('Until then what an export has made can be downloaded.'),
  created_by: z.string(),
  created_at: instantSchema,
  started_at: instantSchema.nullable(),
  finished_at: instantSchema.nullable(),
})
export type Task = z.infer<typeof taskSchema>

export const taskProblemSchema = z.object({
  line: z.number().int().nullable().describe('Of the input, from 1.'),
  key_id: z.number().int().nullable(),
  hint: z.string().describe('Masked key; empty when there is none to show.'),
  reason: z.string(),
})
export type TaskProblem = z.infer<typeof taskProblemSchema>

export const taskDetailSchema = z.object({
  ...taskSchema.shape,
  problems: z.array(taskProblemSchema).max(maxTaskProblems).describe('The first ones.'),
})
export type TaskDetail = z.infer<typeof taskDetailSchema>

export const taskListQuerySchema = z.strictObject({
  ...pageParameters,
  kind: listParameter(z.enum(taskKinds), taskKinds.length).optional().describe('Separated by commas.'),
  state: listParameter(z.enum(taskStates), taskStates.length).optional().describe('Separated by commas.'),
  group_id: idParameter.optional(),
  search: z.string().trim().max(100).optional().describe("Part of a group's name or of who created it."),
})

const selectionShape = {
  ids: z.array(z.number().int().min(1)).min(1).max(maxKeysPerRequest).optional(),
  filter: keyFilterSchema.optional().describe('`{}`: every key of the group.'),
}
type Selected = { ids?: number[] | undefined; filter?: KeyFilter | undefined }
const isOneOfBoth = ({ ids, filter }: Selected): boolean => (ids === undefined) !== (filter === undefined)
const oneOfBoth = 'name the keys either by "ids" or by "filter"'

export const keySelectionSchema = z.strictObject(selectionShape).refine(isOneOfBoth, oneOfBoth)
export type KeySelection = z.infer<typeof keySelectionSchema>

export const keyCopySchema = z
  .strictObject({ ...selectionShape, to_group_id: entityIdSchema })
  .refine(isOneOfBoth, oneOfBoth)

/** `masked` and `clear`: JSON lines as of a download; `plain`: keys in clear, one a line, as an import reads them. */
export const keyExportContents = ['masked', 'clear', 'plain'] as const
export type KeyExportContent = (typeof keyExportContents)[number]

export const keyExportStartSchema = z
  .strictObject({ ...selectionShape, content: z.enum(keyExportContents).default('clear') })
  .refine(isOneOfBoth, oneOfBoth)

/** Why, and until when, as for one key. */
export const keysDisableSchema = z
  .strictObject({ ...selectionShape, ...keyDisableSchema.shape })
  .refine(isOneOfBoth, oneOfBoth)

/** What the keys of an import get where their line says nothing else. */
export const keyImportQuerySchema = z.strictObject({
  note: noteSchema.optional(),
  weight: integerParameter({ min: 1 }).pipe(weightSchema).optional(),
})

/**
 * One key per line or between blanks, commas and semicolons; a table with the columns `key`, `note` and `weight`, or keys in the first
 * one; a string or `{"key": …, "note": …, "weight": …}` a line; a list of those, or an object with them as `keys`.
 */
export const keyImportTypes = ['text/plain', 'text/csv', 'application/x-ndjson', 'application/json'] as const
export type KeyImportType = (typeof keyImportTypes)[number]

/** Fits into a URL; larger selections are a filter. */
export const maxExportIds = 500

export const keyExportQuerySchema = z.strictObject({
  ...keyConditionParameters,
  ids: listParameter(integerParameter({ min: 1 }), maxExportIds)
    .optional()
    .describe('In place of the others, separated by commas.'),
})

/** A line of an export. */
export const keyExportLineSchema = z.object({
  id: z.number().int(),
  hint: z.string(),
  key: z.string().optional().describe('In clear, when that was asked for.'),
  note: z.string(),
  weight: z.number().int(),
  state: keyStateSchema,
})
export type KeyExportLine = z.infer<typeof keyExportLineSchema>
