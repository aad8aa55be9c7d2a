import { z } from 'zod'
import { jsonValueSchema } from './json-value.ts'
import { channelTypes } from './channel-types.ts'

/** Fields of a group that config file, API and snapshot share, each defined once. */
export const groupNamePattern = /^[a-z0-9_-]{1,100}$/
export const groupNameSchema = z
  .string()
  .regex(groupNamePattern, 'use 1 to 100 of a-z, 0-9, _ and -: the name is a URL segment')
export const channelTypeSchema = z.enum(channelTypes)

const headerNamePattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/
export const headerRuleSchema = z.strictObject({
  key: z.string().regex(headerNamePattern, 'not a header name (RFC 9110 5.1)'),
  value: z
    .string()
    .max(8_192)
    .refine((value) => !/[\r\n\0]/.test(value), 'must not contain CR, LF or NUL')
    .default(''),
  action: z.enum(['set', 'remove']),
})
export type HeaderRule = z.infer<typeof headerRuleSchema>

/** Names are unique whatever their case; at most 100 rules. */
export const headerRulesSchema = z
  .array(headerRuleSchema)
  .max(100)
  .superRefine((rules, context) => {
    const seen = new Set<string>()
    for (const [index, rule] of rules.entries()) {
      const name = rule.key.toLowerCase()
      if (seen.has(name))
        context.addIssue({ code: 'custom', path: [index, 'key'], message: 'this header has a rule already' })
      seen.add(name)
    }
  })

/** Top-level members that replace those of any JSON-object body. */
export const paramOverridesSchema = z.record(z.string().min(1).max(256), jsonValueSchema)

const modelSchema = z.string().trim().min(1).max(255)
const weightedTargetSchema = z.strictObject({
  model: modelSchema,
  weight: z.number().int().min(1).max(1_000).default(1),
})
/** Source (exact, or with `*`) -> target, or a list of targets with weights. */
export const modelRedirectsSchema = z.record(modelSchema, modelSchema.or(z.array(weightedTargetSchema).min(1).max(20)))
export type ModelRedirects = z.infer<typeof modelRedirectsSchema>

export const upstreamUrlSchema = z
  .string()
  .trim()
  .max(500)
  .superRefine((value, context) => {
    const url = URL.parse(value)
    if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '')
      context.addIssue({ code: 'custom', message: 'must be an http:// or https:// URL' })
    else if (url.hash !== '') context.addIssue({ code: 'custom', message: 'must not have a #fragment' })
  })
export const weightSchema = z.number().int().min(0).max(1_000)

export const validationEndpointSchema = z
  .string()
  .max(255)
  .refine(
    (value) => value === '' || (value.startsWith('/') && !value.includes('://')),
    'must begin with / and hold no ://',
  )

export const noteSchema = z.string().trim().max(255)
/** A provider key: any text without control characters (it becomes a header value), trimmed. */
export const providerKeySchema = z
  .string()
  .trim()
  .min(1, 'is empty')
  .max(4_096, 'has more than 4,096 characters')
  .refine((value) => !/[\u0000-\u001f\u007f]/.test(value), 'must not contain control characters')
export const accessKeyTokenSchema = z
  .string()
  .min(16, 'must have at least 16 characters: openssl rand -hex 24 makes a good one')
  .max(512)
  .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without blanks')
