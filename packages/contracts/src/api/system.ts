import { z } from 'zod'
import { instantSchema } from './parameters.ts'

/** How an installation is, and what somebody should look at. Holds no secret, and nothing that helps in guessing one. */
export const systemWarningCodes = [
  'weak_secret',
  'encryption_key_generated',
  'auth_key_opens_proxy',
  'forwarding_ignored',
  'insecure_transport',
  'check_failed',
  'no_edge',
  'edges_behind',
  'edge_versions_differ',
  'clock_skew',
  'records_dropped',
  'app_url_missing',
] as const
export type SystemWarningCode = (typeof systemWarningCodes)[number]

/** `critical`: callers or secrets are at risk now; `warning`: they may be; `notice`: good to know. */
export const warningSeverities = ['critical', 'warning', 'notice'] as const

/** What is weak about a secret; never how long it is or what it holds. */
export const secretWeaknesses = ['short', 'repetitive', 'well_known'] as const
export type SecretWeakness = (typeof secretWeaknesses)[number]

export const systemWarningSchema = z.object({
  code: z.enum(systemWarningCodes),
  severity: z.enum(warningSeverities),
  subject: z.string().describe('The variable, check, edge or version that it is about; empty = the installation.'),
  detail: z.string().describe('For people, in English.'),
})
export type SystemWarning = z.infer<typeof systemWarningSchema>

export const systemKinds = ['standalone', 'cluster'] as const

export const systemSchema = z.object({
  kind: z.enum(systemKinds),
  version: z.string(),
  node_version: z.string(),
  platform: z.string(),
  started_at: instantSchema.describe('Of the process that answers.'),
  server_time: instantSchema,
  epoch: z.string(),
  revision: z.number().int(),
  database: z.object({
    dialect: z.enum(['mysql', 'sqlite']),
    version: z.string(),
    round_trip_ms: z.number(),
  }),
  checks: z
    .array(z.object({ name: z.string(), ok: z.boolean(), required: z.boolean(), detail: z.string() }))
    .describe('Those of the readiness of the process that answers.'),
  edges: z.object({
    reachable: z.number().int(),
    applied: z.number().int(),
    versions: z.array(z.object({ version: z.string(), edges: z.number().int() })),
  }),
  warnings: z.array(systemWarningSchema).describe('The most severe first.'),
})
export type System = z.infer<typeof systemSchema>
