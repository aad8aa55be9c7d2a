import { z } from 'zod'

/**
 * GPT-Load's own admin API (`/api`, beside our `/api/v1`): what public scripts and panels read. Routes, field names, types and
 * codes are the contract, messages are free text in the caller's language. Answers may hold further members.
 */
export const gptLoadCodes = {
  BAD_REQUEST: 400,
  INVALID_JSON: 400,
  VALIDATION_FAILED: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  DUPLICATE_RESOURCE: 409,
  PRECONDITION_FAILED: 412,
  TOO_MANY_REQUESTS: 429,
  INTERNAL_SERVER_ERROR: 500,
  DATABASE_ERROR: 503,
} as const
export type GptLoadCode = keyof typeof gptLoadCodes

export const gptLoadPageSizes = { default: 15, max: 1_000 } as const

export function gptLoadPageSchema<T extends z.ZodType>(item: T) {
  return z.object({
    items: z.array(item),
    pagination: z.object({
      page: z.number().int(),
      page_size: z.number().int(),
      total_items: z.number().int(),
      total_pages: z.number().int(),
    }),
  })
}
