import type { ImportedGroup } from '@gpt-load/config-service/import/import-installation'
import { channelTypes, type ChannelType } from '@gpt-load/contracts/channel-types'
import {
  groupNameSchema,
  headerRulesSchema,
  modelRedirectsSchema,
  paramOverridesSchema,
  upstreamUrlSchema,
  validationEndpointSchema,
  weightSchema,
} from '@gpt-load/contracts/group-shape'
import type { SqlRow } from '@gpt-load/database/sql-client/sql-client'
import { z } from 'zod'
import { convertSettings, withFirstByteTimeout, type SourceSettings } from './convert-settings.ts'
import type { Notes } from './source-notes.ts'

/** A row of GPT-Load's `groups` as a group of ours. What does not fit is left out and noted; a broken group is disabled. */
export type ConvertedGroup = Omit<ImportedGroup, 'keys'>

const sourceUpstreamsSchema = z.array(z.looseObject({ url: z.string(), weight: z.number().default(1) }))

/** null when it cannot become a group at all. */
export function convertGroup(
  row: SqlRow,
  context: { members: readonly SqlRow[]; system: SourceSettings; notes: Notes },
): ConvertedGroup | null {
  const { notes } = context
  const name = String(row['name'])
  const place = `group "${name}"`
  const channel = channelTypes.find((type) => type === row['channel_type'])
  if (channel === undefined || !groupNameSchema.safeParse(name).success) {
    notes.warn(`${place}, left out with its keys: its ${channel === undefined ? 'channel' : 'name'} is not known here`)
    return null
  }
  const take = fieldReader(row, place, notes)
  const kind = row['group_type'] === 'aggregate' ? 'aggregate' : 'standard'
  const upstreams = kind === 'aggregate' ? [] : convertUpstreams(row, place, notes)
  const isBroken = kind === 'standard' && upstreams.every(({ weight }) => weight === 0)
  if (isBroken) notes.warn(`${place} has no upstream that can be used: it is imported disabled`)
  const overrides = convertSettings(Object.entries(take('config', z.record(z.string(), z.unknown()), {})), {
    place,
    isGroup: true,
    notes,
  })
  return {
    id: Number(row['id']),
    name,
    kind,
    channel: channel satisfies ChannelType,
    display_name: text(row['display_name'], 255),
    description: text(row['description'], 512),
    enabled: !isBroken && !hasUnreadableUpstream(row, upstreams),
    sort: Math.max(0, Number(row['sort'] ?? 0)),
    ...(kind === 'standard' ? probeFields(row, take) : {}),
    param_overrides: take('param_overrides', paramOverridesSchema, {}),
    header_rules: take('header_rules', headerRulesSchema, []),
    model_redirects: take('model_redirect_rules', modelRedirectsSchema, {}),
    model_redirect_strict: Boolean(row['model_redirect_strict']),
    settings: withFirstByteTimeout(overrides, context.system),
    upstreams,
    members: context.members.map((member) => ({
      id: Number(member['sub_group_id']),
      weight: weightSchema.catch(1_000).parse(Number(member['weight'] ?? 0)),
    })),
  }
}

type FieldReader = <T>(column: string, schema: z.ZodType<T>, empty: T) => T

/** JSON columns: text, or parsed already by the driver; absent, NULL and `null` mean empty. */
function fieldReader(row: SqlRow, place: string, notes: Notes): FieldReader {
  return (column, schema, empty) => {
    const value = fromJson(row[column])
    if (value === null || value === undefined) return empty
    const result = schema.safeParse(value)
    if (result.success) return result.data
    notes.warn(`${place}: ${column} cannot be taken over: ${result.error.issues[0]?.message ?? 'it is malformed'}`)
    return empty
  }
}

function fromJson(value: unknown): unknown {
  if (typeof value !== 'string') return value
  if (value.trim() === '') return null
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

function probeFields(row: SqlRow, take: FieldReader): Pick<ConvertedGroup, 'test_model' | 'validation_endpoint'> {
  const model = text(row['test_model'], 255)
  const endpoint = take('validation_endpoint', validationEndpointSchema, '')
  return { ...(model !== '' && { test_model: model }), validation_endpoint: endpoint }
}

function convertUpstreams(row: SqlRow, place: string, notes: Notes): { url: string; weight: number }[] {
  const listed = sourceUpstreamsSchema.safeParse(fromJson(row['upstreams']))
  if (!listed.success) return []
  return listed.data.flatMap(({ url, weight }, index) => {
    const parsed = upstreamUrlSchema.safeParse(url)
    if (parsed.success) return [{ url: parsed.data, weight: weightSchema.catch(1_000).parse(weight) }]
    notes.warn(`${place}: upstream ${index + 1} is no URL and was left out; the group is imported disabled`)
    return []
  })
}

function hasUnreadableUpstream(row: SqlRow, upstreams: readonly unknown[]): boolean {
  const listed = sourceUpstreamsSchema.safeParse(fromJson(row['upstreams']))
  return listed.success && listed.data.length > upstreams.length
}

function text(value: unknown, maxLength: number): string {
  return typeof value === 'string' ? value.trim().slice(0, maxLength) : ''
}
