import { z } from 'zod'
import { instantSchema } from '../api/parameters.ts'
import type { TaskKind } from '../task-state.ts'

/** Background tasks as GPT-Load shows them: it has three of these types and one task at a time; ours are more, in both ways. */
export const gptLoadTaskTypes = {
  import: 'KEY_IMPORT',
  copy: 'KEY_IMPORT',
  delete: 'KEY_DELETE',
  validate: 'KEY_VALIDATION',
  restore: 'KEY_RESTORE',
  enable: 'KEY_RESTORE',
  disable: 'KEY_RESTORE',
  move: 'KEY_IMPORT',
  export: 'KEY_EXPORT',
} as const satisfies Record<TaskKind, string>

/** What a task that never started shows; Go's zero time. */
export const gptLoadNever = '0001-01-01T00:00:00Z'

const count = z.number().int()
const taskShape = {
  task_type: z.enum(['', ...new Set(Object.values(gptLoadTaskTypes))]),
  is_running: z.boolean(),
  group_name: z.string().optional(),
  processed: count,
  total: count,
  result: z
    .union([
      z.object({ added_count: count, ignored_count: count }),
      z.object({ deleted_count: count, ignored_count: count }),
      z.object({ restored_count: count, ignored_count: count }),
      z.object({ total_keys: count, valid_keys: count, invalid_keys: count }),
    ])
    .optional(),
  error: z.string().optional(),
  started_at: instantSchema,
  finished_at: instantSchema.optional(),
  duration_seconds: z.number().optional(),
  task_id: count.optional().describe('Of `/api/v1/tasks/{id}`.'),
  warnings: z.array(z.string()),
}
export const gptLoadTaskSchema = z.object(taskShape)
export type GptLoadTask = z.infer<typeof gptLoadTaskSchema>

/** The newest unfinished one, else the newest that ended within the hour; `tasks`: all that are unfinished. */
export const maxShownTasks = 100
export const gptLoadTaskStatusSchema = z.object({
  ...taskShape,
  tasks: z.array(gptLoadTaskSchema).max(maxShownTasks),
})

export const gptLoadGroupIdInputSchema = z.object({ group_id: count.min(1) })
export const gptLoadValidateInputSchema = z.object({ group_id: count.min(1), status: z.string().nullish() })
export const gptLoadCountSchema = z.object({ count })

/** Text of an addition or deletion in the background, in a JSON body: half a million keys. A file has no bound. */
export const maxGptLoadTextBytes = 33_554_432
