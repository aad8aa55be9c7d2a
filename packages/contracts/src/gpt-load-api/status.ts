import { z } from 'zod'
import { instantSchema } from '../api/parameters.ts'

/** The routes of GPT-Load 0.1 outside of `/api`, for one group: bare objects without an envelope. */
const keysSchema = z.object({ total: z.number().int(), healthy: z.number().int(), blacklisted: z.number().int() })

export const gptLoadStatsSchema = z.object({
  keys: keysSchema,
  requests: z.object({
    success_count: z.number().int(),
    failure_count: z.number().int(),
    total_count: z.number().int(),
  }),
  memory: z.object({ alloc_mb: z.number(), total_alloc_mb: z.number(), sys_mb: z.number() }),
  system: z.object({ cpu_count: z.number().int(), node_version: z.string() }),
  groups: z.array(z.object({ name: z.string(), keys: keysSchema })),
  timestamp: instantSchema,
})

/** Keys that an answer lists; `count` is complete. */
export const maxBlacklistedKeys = 1_000
export const gptLoadBlacklistSchema = z.object({
  blacklisted_keys: z
    .array(
      z.object({
        preview: z.string(),
        reason: z.string(),
        blacklistAt: instantSchema.nullable(),
        failCount: z.number().int(),
        until: instantSchema.nullable(),
      }),
    )
    .max(maxBlacklistedKeys),
  count: z.number().int(),
  timestamp: instantSchema,
})

export const gptLoadResetSchema = z.object({
  message: z.string(),
  total_keys: z.number().int(),
  healthy_keys: z.number().int(),
  timestamp: instantSchema,
})
