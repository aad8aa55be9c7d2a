import type { PolicyEntity } from '@gpt-load/contracts/policy-entities'
import { maskedValue } from '@gpt-load/contracts/api/group'
import type { Keyring } from '@gpt-load/database/keyring'
import { openGroupSettings, openHeaderRules, openSettingValue, openUpstreamUrl } from '@gpt-load/database/row-secrets'
import { maskUrl } from '../upstreams/mask-url.ts'
import {
  groupColumns,
  type AccessKeyState,
  type GroupState,
  type PolicyState,
  type SettingState,
} from './policy-state.ts'

/** A policy field by field: opened, to be compared (a value that is sealed twice differs), and masked, to be shown. */
export type Comparable = Map<string, { compared: string; shown: unknown }>

const openedColumns = new Set<string>(['header_rules', 'settings'])

export function comparableOf(keyring: Keyring, entity: PolicyEntity, state: PolicyState): Comparable {
  if (entity === 'setting') return settingsOf(keyring, state as SettingState[])
  return entity === 'group' ? groupOf(keyring, state as GroupState) : plain(Object.entries(state as AccessKeyState))
}

function settingsOf(keyring: Keyring, settings: readonly SettingState[]): Comparable {
  return new Map(
    settings.map(({ name, value, managed_by: owner }) => {
      const opened = openSettingValue(keyring, name, value)
      return [name, { compared: JSON.stringify([opened, owner]), shown: shownSetting(opened) }]
    }),
  )
}

function groupOf(keyring: Keyring, group: GroupState): Comparable {
  const fields = plain(groupColumns.filter((name) => !openedColumns.has(name)).map((name) => [name, group[name]]))
  const rules = openHeaderRules(keyring, String(group.header_rules))
  fields.set('header_rules', {
    compared: JSON.stringify(rules),
    shown: rules.map(({ value: _value, ...rule }) => ({ ...rule, value: maskedValue })),
  })
  for (const [name, value] of Object.entries(openGroupSettings(keyring, String(group.settings))))
    fields.set(`settings.${name}`, { compared: JSON.stringify(value), shown: shownSetting(value) })
  const upstreams = group.upstreams.map(({ url, weight }) => ({ url: openUpstreamUrl(keyring, url), weight }))
  fields.set('upstreams', {
    compared: JSON.stringify(upstreams),
    shown: upstreams.map(({ url, weight }) => ({ url: maskUrl(url), weight })),
  })
  fields.set('members', { compared: JSON.stringify(group.members), shown: group.members })
  return fields
}

function plain(entries: readonly (readonly [string, unknown])[]): Comparable {
  return new Map(entries.map(([name, value]) => [name, { compared: JSON.stringify(value), shown: value }]))
}

function shownSetting(value: unknown): unknown {
  return typeof value === 'string' && value.includes('://') ? maskUrl(value) : value
}
