import { z } from 'zod'
import { instantSchema } from '../api/parameters.ts'
import { keyStateSchema } from '../key-facts.ts'
import type { KeyState } from '../key-state.ts'

/** GPT-Load has two states; ours map onto them: a key that comes back by itself is active, one that needs somebody is not. */
export const gptLoadKeyStatuses = ['active', 'invalid'] as const
export type GptLoadKeyStatus = (typeof gptLoadKeyStatuses)[number]
export const statesOfGptLoadStatus = {
  active: ['active', 'suspect', 'cooling', 'exhausted'],
  invalid: ['invalid', 'disabled'],
} as const satisfies Record<GptLoadKeyStatus, readonly KeyState[]>

/**
 * `key_value` is in clear for `secrets:read`, else masked. Uses are counted as far back as log-ingest keeps them; null while they cannot
 * be read, and when there were none.
 */
export const gptLoadKeySchema = z.object({
  id: z.number().int(),
  key_value: z.string(),
  key_hash: z.string(),
  group_id: z.number().int(),
  status: z.enum(gptLoadKeyStatuses),
  notes: z.string(),
  request_count: z.number().int().nullable(),
  failure_count: z.number().int(),
  last_used_at: instantSchema.nullable(),
  created_at: instantSchema,
  updated_at: instantSchema,
  state: keyStateSchema,
  until: instantSchema.nullable(),
  reason: z.string(),
  last_probe_at: instantSchema.nullable(),
})
export type GptLoadKey = z.infer<typeof gptLoadKeySchema>

const groupIdSchema = z.number().int().min(1)
export const gptLoadKeysInputSchema = z.object({ group_id: groupIdSchema, keys_text: z.string().min(1) })
/** `ids` beside the text: whoever sees keys masked only cannot name them by value. */
export const gptLoadKeySelectionSchema = z.object({
  group_id: groupIdSchema,
  keys_text: z.string().optional(),
  ids: z.array(z.number().int().min(1)).optional(),
})
export type GptLoadKeySelection = z.infer<typeof gptLoadKeySelectionSchema>
export const gptLoadNotesInputSchema = z.object({ notes: z.string() })

const total = { total_in_group: z.number().int(), ignored_count: z.number().int() }
export const gptLoadKeysAddedSchema = z.object({ added_count: z.number().int(), ...total })
export const gptLoadKeysDeletedSchema = z.object({ deleted_count: z.number().int(), ...total })
export const gptLoadKeysRestoredSchema = z.object({ restored_count: z.number().int(), ...total })
export const gptLoadKeysTestedSchema = z.object({
  results: z.array(z.object({ key_value: z.string(), is_valid: z.boolean(), error: z.string().optional() })),
  total_duration: z.number().int(),
})
