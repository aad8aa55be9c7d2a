import { z } from 'zod'
import { instantSchema } from './parameters.ts'

/** `announced`: every replica learns the new data key before anything is sealed with it. */
export const rotationStates = ['announced', 'resealing', 'succeeded'] as const
/** Replicas look for new data keys every two seconds; that long one waits before it is used. */
export const rotationAnnounceMs = 10_000

export const encryptionRotationSchema = z.object({
  id: z.number().int(),
  state: z.enum(rotationStates),
  data_key_id: z.number().int().describe('The new data key.'),
  resealed: z.number().int().describe('Provider keys and other secrets that are sealed with it by now.'),
  failed: z.number().int().describe('Secrets that do not open: damaged before. They are left as they are.'),
  created_by: z.string(),
  created_at: instantSchema,
  finished_at: instantSchema.nullable(),
})
export type EncryptionRotation = z.infer<typeof encryptionRotationSchema>

export const encryptionSchema = z.object({
  data_key_id: z.number().int().describe('What secrets are sealed with now.'),
  needs_former_key: z
    .boolean()
    .describe('ENCRYPTION_KEY_PREVIOUS is still needed, on the replica that answers: rotate before it is taken away.'),
  keys_total: z.number().int().describe('Provider keys, most of what a rotation has to seal again.'),
  rotation: encryptionRotationSchema.nullable().describe('The last one.'),
})
export type Encryption = z.infer<typeof encryptionSchema>
