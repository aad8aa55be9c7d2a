import { z } from 'zod'
import { scopes } from './endpoint.ts'
import { instantSchema } from './parameters.ts'

/**
 * A browser's session. Its cookie is HttpOnly: a page learns who it acts as by `getSession`. Requests with the cookie that
 * change something must come from the same origin.
 */
export const sessionCookie = 'gptload_session'

export const sessionCreateSchema = z.strictObject({
  key: z.string().min(1).max(512).describe('The admin key or an admin token.'),
})

export const sessionSchema = z.object({
  name: z.string().describe('Who changes are recorded under.'),
  scopes: z.array(z.enum(scopes)),
  expires_at: instantSchema.nullable().describe('Unless it is used before; null = authenticated by a key.'),
})
export type Session = z.infer<typeof sessionSchema>
