import { z } from 'zod'
import { deadlineSources, errorClasses } from './error-class.ts'
import { causeClasses, keyStates } from './key-state.ts'
import type { Cause, KeyFacts } from './key-state.ts'

/** Schemas of key-state.ts. */
export const keyStateSchema = z.enum(keyStates)

export const causeSchema = z.object({
  at: z.number().int().nonnegative(),
  class: z.enum([...errorClasses, ...causeClasses]),
  status: z.number().int().min(100).max(999).optional(),
  code: z.string().max(100).optional(),
  request_id: z.string().max(64).optional(),
  edge: z.string().max(100).optional(),
  deadline_source: z.enum(deadlineSources).optional(),
  note: z.string().max(255).optional(),
}) satisfies z.ZodType<Cause>

export const keyFactsSchema = z.object({
  state: keyStateSchema,
  until: z.number().int().nonnegative(),
  generation: z.number().int().nonnegative(),
  failures: z.number().int().nonnegative(),
}) satisfies z.ZodType<KeyFacts>
