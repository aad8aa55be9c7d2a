import { z } from 'zod'
import { jsonValueSchema } from '../json-value.ts'
import { explainedRequestSchema } from '../explanation.ts'

const { shape } = explainedRequestSchema

/** A request that is not sent: written out, or taken from the log and changed where a field is given. */
export const explainInputSchema = z.strictObject({
  request_id: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('Of a logged request; its body is not kept, only its model.'),
  edge: z.string().min(1).max(100).optional().describe('Name of the edge that answers; left out: whichever is first.'),
  group: shape.group.optional().describe("Name; left out without request_id: the access key's default group."),
  access_key_id: shape.access_key_id.optional().describe('Null or left out: as with a key that opens every group.'),
  method: shape.method.regex(/^[A-Z]+$/, 'must be a method in upper case').optional(),
  path: shape.path.optional().describe('Behind the group, e.g. /v1/chat/completions.'),
  headers: z
    .record(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'must be a header name'), z.string().max(8_192))
    .optional()
    .describe('Credentials in them are left out.'),
  body: z.record(z.string(), jsonValueSchema).optional(),
  client_address: shape.client_address.optional(),
})
export type ExplainInput = z.infer<typeof explainInputSchema>
