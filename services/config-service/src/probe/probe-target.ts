import type { ChannelType } from '@gpt-load/contracts/channel-types'
import type { HeaderRule, ModelRedirects } from '@gpt-load/contracts/group-shape'
import { resolveSettings, type Settings } from '@gpt-load/contracts/settings'
import { openUpstreamUrl } from '@gpt-load/database/row-secrets'
import { groupFieldsOf } from '../groups/group-fields.ts'
import { groupParts } from '../groups/load-groups.ts'
import type { Services } from '../services.ts'
import { loadSystemSettings } from '../settings/load-group-settings.ts'

/** What of a group decides how it is probed: its shaping, its upstreams, its settings in force. */
export type ProbeTarget = {
  groupName: string
  channel: ChannelType
  testModel: string
  validationEndpoint: string
  upstreams: readonly { url: string; weight: number }[]
  paramOverrides: Readonly<Record<string, unknown>>
  headerRules: readonly HeaderRule[]
  modelRedirects: ModelRedirects
  settings: Settings
}

/** null = the group is gone. */
export async function loadProbeTarget(services: Services, groupId: number): Promise<ProbeTarget | null> {
  const { store, keyring } = services
  const row = await store.database.group.findUnique({ where: { id: groupId }, include: groupParts })
  if (row === null) return null
  const fields = groupFieldsOf(row, keyring)
  const system = await loadSystemSettings(store.sql, services)
  return {
    groupName: fields.name,
    channel: fields.channel,
    testModel: fields.test_model,
    validationEndpoint: fields.validation_endpoint,
    upstreams: row.upstreams.map(({ url, weight }) => ({ url: openUpstreamUrl(keyring, url), weight })),
    paramOverrides: fields.param_overrides,
    headerRules: fields.header_rules,
    modelRedirects: fields.model_redirects,
    settings: resolveSettings(services.environmentSettings, system, fields.settings as Partial<Settings>),
  }
}
