import { channelOf } from '@gpt-load/channels/find-channel'
import type { Group, GroupCreate, GroupPatch } from '@gpt-load/contracts/api/group'
import type { ChannelType } from '@gpt-load/contracts/channel-types'
import type { HeaderRule, ModelRedirects } from '@gpt-load/contracts/group-shape'
import { groupSettingNames } from '@gpt-load/contracts/settings'
import type { Keyring } from '@gpt-load/database/keyring'
import { openGroupSettings, openHeaderRules, sealGroupSettings, sealHeaderRules } from '@gpt-load/database/row-secrets'
import { wrongField } from '../http/api-problem.ts'
import { checkRedactionRules } from '../settings/check-redaction-rules.ts'
import { unmaskHeaderRules, unmaskProxyUrl, type SettingOverrides } from './group-secrets.ts'
import { parseStored, type GroupRow } from './load-groups.ts'

/**
 * A group's own columns, in clear, and how a merge patch changes them. Only what differs is written: a patch that says
 * what is there already is no change and makes no revision.
 */
export type GroupFields = {
  name: string
  kind: Group['kind']
  channel: ChannelType
  display_name: string
  description: string
  enabled: boolean
  sort: number
  test_model: string
  validation_endpoint: string
  param_overrides: Group['param_overrides']
  header_rules: HeaderRule[]
  model_redirects: ModelRedirects
  model_redirect_strict: boolean
  settings: SettingOverrides
  managed_by: string | null
}

/** What a patch may hold beyond the API's: who manages the group. */
export type GroupFieldsPatch = Omit<GroupPatch, 'upstreams' | 'members'> & { managed_by?: string | null }

/** The columns are MySQL TEXT: 65,535 bytes. Sealing adds at most half to a header value. */
const maxStoredBytes = 65_000
/** Stands in a column that aggregates do not use (GPT-Load's mark). */
const aggregateTestModel = '-'

export function newGroupFields({ name, kind, channel }: Pick<GroupCreate, 'name' | 'kind' | 'channel'>): GroupFields {
  return {
    name,
    kind,
    channel,
    display_name: '',
    description: '',
    enabled: true,
    sort: 0,
    test_model: kind === 'aggregate' ? aggregateTestModel : channelOf(channel).defaults.testModel,
    validation_endpoint: '',
    param_overrides: {},
    header_rules: [],
    model_redirects: {},
    model_redirect_strict: false,
    settings: {},
    managed_by: null,
  }
}

export function groupFieldsOf(row: GroupRow, keyring: Keyring): GroupFields {
  return {
    name: row.name,
    kind: row.kind as Group['kind'],
    channel: row.channel as ChannelType,
    display_name: row.display_name,
    description: row.description,
    enabled: row.enabled,
    sort: row.sort,
    test_model: row.test_model,
    validation_endpoint: row.validation_endpoint,
    param_overrides: parseStored(row.param_overrides),
    header_rules: openHeaderRules(keyring, row.header_rules),
    model_redirects: parseStored(row.model_redirects),
    model_redirect_strict: row.model_redirect_strict,
    settings: openGroupSettings(keyring, row.settings) as SettingOverrides,
    managed_by: row.managed_by,
  }
}

/** Left out: as it is. null: as a new group has it. Throws a problem for masks that stand for nothing. */
export function patchGroupFields(fields: GroupFields, patch: GroupFieldsPatch): GroupFields {
  const channel = patch.channel ?? fields.channel
  const empty = newGroupFields({ ...fields, channel })
  return {
    name: patch.name ?? fields.name,
    kind: fields.kind,
    channel,
    display_name: patched(patch.display_name, fields.display_name, empty.display_name),
    description: patched(patch.description, fields.description, empty.description),
    enabled: patch.enabled ?? fields.enabled,
    sort: patch.sort ?? fields.sort,
    test_model: patchTestModel(fields, patch.test_model, empty),
    validation_endpoint: patched(patch.validation_endpoint, fields.validation_endpoint, ''),
    param_overrides: patched(patch.param_overrides, fields.param_overrides, {}),
    header_rules: unmaskHeaderRules(patched(patch.header_rules, fields.header_rules, []), fields.header_rules),
    model_redirects: patched(patch.model_redirects, fields.model_redirects, {}),
    model_redirect_strict: patch.model_redirect_strict ?? fields.model_redirect_strict,
    settings: patch.settings === null ? {} : patchOverrides(fields.settings, patch.settings ?? {}),
    managed_by: patch.managed_by === undefined ? fields.managed_by : patch.managed_by,
  }
}

function patched<T>(value: T | null | undefined, stored: T, empty: T): T {
  return value === undefined ? stored : (value ?? empty)
}

function patchTestModel(fields: GroupFields, value: string | null | undefined, empty: GroupFields): string {
  if (fields.kind === 'aggregate') {
    if (value === undefined || value === null || value === aggregateTestModel) return aggregateTestModel
    throw wrongField('/test_model', 'an aggregate is not probed itself')
  }
  return patched(value, fields.test_model, empty.test_model)
}

/** In the registry's order, so that equal settings have equal texts. */
function patchOverrides(stored: SettingOverrides, patch: NonNullable<GroupFieldsPatch['settings']>): SettingOverrides {
  checkRedactionRules(patch.content_redaction_rules, '/settings/content_redaction_rules')
  const next: SettingOverrides = {}
  for (const name of groupSettingNames) {
    const value = patch[name] === undefined ? stored[name] : patch[name]
    if (value === undefined || value === null) continue
    const isNewProxy = name === 'proxy_url' && typeof patch[name] === 'string'
    next[name] = isNewProxy ? unmaskProxyUrl(String(value), stored[name], '/settings/proxy_url') : value
  }
  return next
}

export type GroupColumns = { [K in keyof GroupFields]?: string | number | boolean | null }

/** Column values of the fields that differ; all of them for a new group. */
export function changedColumns(before: GroupFields | null, after: GroupFields, keyring: Keyring): GroupColumns {
  const columns: GroupColumns = {}
  for (const name of Object.keys(after) as (keyof GroupFields)[]) {
    if (before !== null && JSON.stringify(before[name]) === JSON.stringify(after[name])) continue
    columns[name] = toColumn(name, after, keyring)
  }
  return columns
}

function toColumn(name: keyof GroupFields, fields: GroupFields, keyring: Keyring): string | number | boolean | null {
  const value = fields[name]
  if (value === null || typeof value !== 'object') return value
  const text = toText(name, fields, keyring)
  if (Buffer.byteLength(text) > maxStoredBytes) throw wrongField(`/${name}`, `is larger than ${maxStoredBytes} bytes`)
  return text
}

function toText(name: keyof GroupFields, fields: GroupFields, keyring: Keyring): string {
  if (name === 'header_rules') return sealHeaderRules(keyring, fields.header_rules)
  if (name === 'settings') return sealGroupSettings(keyring, fields.settings)
  return JSON.stringify(fields[name])
}
