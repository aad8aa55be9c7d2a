import { z } from 'zod'
import { optionalAccessKeyLimits } from './access-key-limits-schema.ts'
import { causeSchema, keyFactsSchema } from './key-facts.ts'
import {
  channelTypeSchema,
  groupNameSchema,
  headerRulesSchema,
  modelRedirectsSchema,
  paramOverridesSchema,
} from './group-shape.ts'
import { groupSettingsSchema, systemSettingsSchema } from './settings-schema.ts'

/**
 * What config-service sends to edges (ARCHITECTURE.md, Revision, snapshot, delta). A *base* and a *delta* are the same thing:
 * a sequence of records that say what is, never what happened; applying one twice changes nothing. Records travel as
 * NDJSON lines inside sealed chunks (packages/transport, snapshot-chunk); secrets are in clear inside the seal only.
 * Order: meta, settings, groups, access keys (policies), then key states, then keys and removals.
 */
export const maxChunkBytes = 1_048_576
/** One answer to a pull holds at most this much; then a continuation cursor follows. */
export const maxDeltaBytes = 4 * 1_048_576

export const revisionSchema = z.number().int().nonnegative()
export const epochSchema = z.string().regex(/^[0-9a-f]{32}$/)

/** First record of every base and of every delta answer. */
export const metaRecordSchema = z.object({
  t: z.literal('meta'),
  epoch: epochSchema,
  /** Revision that the receiver has reached when it has applied everything up to the last continuation. */
  revision: revisionSchema,
  /** Sender's clock, epoch ms: edges correct for skew and report it. */
  server_time_ms: z.number().int(),
  /** Base64; SHA-256(pepper || token) is how access keys are looked up. Only in a base. */
  pepper: z.string().optional(),
})

export const settingsRecordSchema = z.object({ t: z.literal('settings'), values: systemSettingsSchema })

export const upstreamRecordSchema = z.object({
  id: z.number().int(),
  url: z.string(),
  weight: z.number().int().nonnegative(),
})
export type UpstreamRecord = z.infer<typeof upstreamRecordSchema>

export const groupRecordSchema = z.object({
  t: z.literal('group'),
  id: z.number().int(),
  name: groupNameSchema,
  display_name: z.string(),
  kind: z.enum(['standard', 'aggregate']),
  channel: channelTypeSchema,
  enabled: z.boolean(),
  sort: z.number().int(),
  test_model: z.string(),
  validation_endpoint: z.string(),
  upstreams: z.array(upstreamRecordSchema),
  members: z.array(z.object({ group_id: z.number().int(), weight: z.number().int().nonnegative() })),
  param_overrides: paramOverridesSchema,
  header_rules: headerRulesSchema,
  model_redirects: modelRedirectsSchema,
  model_redirect_strict: z.boolean(),
  settings: groupSettingsSchema,
})
export type GroupRecord = z.infer<typeof groupRecordSchema>

export const accessKeyRecordSchema = z.object({
  t: z.literal('access_key'),
  id: z.number().int(),
  name: z.string(),
  /** Base64 of SHA-256(pepper || token). */
  hash: z.string(),
  enabled: z.boolean(),
  /** Epoch ms; 0 = never. Judged by the edge's own skew-corrected clock. */
  expires_at: z.number().int().nonnegative(),
  all_groups: z.boolean(),
  group_ids: z.array(z.number().int()),
  /** Group behind /v1 and /v1beta for this key; 0 = the group named `default`. */
  default_group_id: z.number().int().nonnegative(),
  /** Absent: no limit. */
  ...optionalAccessKeyLimits,
})
export type AccessKeyRecord = z.infer<typeof accessKeyRecordSchema>

export const removedRecordSchema = z.object({
  t: z.literal('removed'),
  kind: z.enum(['group', 'access_key', 'key']),
  ids: z.array(z.number().int()),
})

const factsRow = [
  z.number().int().describe('key id'),
  z.number().int().describe('index into keyStates'),
  z.number().int().describe('until, epoch ms, 0 = none'),
  z.number().int().describe('generation'),
  z.number().int().describe('consecutive failures'),
] as const

/** State changes of keys that the receiver may already hold; unknown ids are ignored. No secrets. */
export const keyStatesRecordSchema = z.object({ t: z.literal('key_states'), rows: z.array(z.tuple(factsRow)) })
/** State deviations of key x model. State `active` removes the deviation. */
export const keyModelsRecordSchema = z.object({
  t: z.literal('key_models'),
  rows: z.array(z.tuple([...factsRow, z.string().describe('model')])),
})
/** Whole keys: new ones are added, known ones replaced. At most 500 rows a record. */
export const keysRecordSchema = z.object({
  t: z.literal('keys'),
  group_id: z.number().int(),
  rows: z.array(z.tuple([...factsRow, z.number().int().describe('weight'), z.string().describe('secret')])),
})
export const maxKeysPerRecord = 500

export const snapshotRecordSchema = z.discriminatedUnion('t', [
  metaRecordSchema,
  settingsRecordSchema,
  groupRecordSchema,
  accessKeyRecordSchema,
  removedRecordSchema,
  keyStatesRecordSchema,
  keyModelsRecordSchema,
  keysRecordSchema,
])
export type SnapshotRecord = z.infer<typeof snapshotRecordSchema>
export type MetaRecord = z.infer<typeof metaRecordSchema>
export type KeysRecord = z.infer<typeof keysRecordSchema>
export type KeyStatesRecord = z.infer<typeof keyStatesRecordSchema>
export type KeyModelsRecord = z.infer<typeof keyModelsRecordSchema>
/** Records without secrets: these may travel in a feed message. */
export type OpenRecord = Exclude<SnapshotRecord, { t: 'keys' | 'meta' | 'settings' | 'group' }>

/**
 * `GET /internal/base`: what a cold edge takes. `wrapped_keys` holds the base's content key once per accepted EDGE_TOKEN
 * (base64 of nonce || ciphertext || tag, AES-256-GCM under HKDF-SHA256(token)); the chunk file is static bytes.
 */
export const baseManifestSchema = z.object({
  epoch: epochSchema,
  revision: revisionSchema,
  bytes: z.number().int().nonnegative(),
  chunks: z.number().int().nonnegative(),
  /** Last link of the hash chain over all sealed chunks, hex. */
  chain: z.string(),
  wrapped_keys: z.array(z.string()),
  /** Relative URL of the chunk file; supports Range. */
  href: z.string(),
})
export type BaseManifest = z.infer<typeof baseManifestSchema>

/**
 * Headers of `GET /internal/delta?epoch=E&since=N[&cursor=C][&wait=25]` (the body is sealed chunks).
 * 200 with chunks, 204 when `wait` ran out without news, 409 when only a base helps (other epoch, change log cut).
 */
export const deltaHeaders = {
  epoch: 'x-gptload-epoch',
  revision: 'x-gptload-revision',
  /** Present: more follows; ask again with it. Opaque. */
  cursor: 'x-gptload-cursor',
  /** Content key of this answer, wrapped as in a base manifest; one per accepted token, comma separated. */
  wrappedKeys: 'x-gptload-wrapped-keys',
} as const

/** Key history entry as API and delta share it. */
export const keyTransitionSchema = z.object({
  ...keyFactsSchema.shape,
  cause: causeSchema,
  model: z.string().optional(),
})
