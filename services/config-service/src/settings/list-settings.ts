import type { SettingEntry, SettingList, settingSources } from '@gpt-load/contracts/api/setting'
import {
  settingNames,
  settingsRegistry,
  type SettingDefinition,
  type SettingName,
  type SettingValue,
} from '@gpt-load/contracts/settings'
import { openSettingValue } from '@gpt-load/database/row-secrets'
import { authorise } from '../authorise.ts'
import { toInstant } from '../instant.ts'
import type { Services } from '../services.ts'
import { maskUrl } from '../upstreams/mask-url.ts'
import type { VerbAnswer, VerbContext } from '../verb.ts'

/** The registry with the values in force. The list's revision is that of its newest change. */
export async function listSettings({ ctx }: { ctx: VerbContext }): Promise<VerbAnswer<SettingList>> {
  authorise(ctx, 'listSettings')
  const value = await loadSettings(ctx)
  return { value, revision: value.revision }
}

export type SettingRow = {
  name: string
  value: string
  source: string
  managed_by: string | null
  revision: bigint
  updated_at: bigint
}

export async function loadSettings(
  services: Pick<Services, 'store' | 'keyring' | 'environmentSettings'>,
): Promise<SettingList> {
  const rows: SettingRow[] = await services.store.database.setting.findMany()
  const byName = new Map(rows.map((row) => [row.name, row]))
  return {
    items: settingNames.map((name) => toEntry(name, byName.get(name), services)),
    revision: Math.max(0, ...rows.map((row) => Number(row.revision))),
  }
}

function toEntry(
  name: SettingName,
  row: SettingRow | undefined,
  { keyring, environmentSettings }: Pick<Services, 'keyring' | 'environmentSettings'>,
): SettingEntry {
  const definition: SettingDefinition = settingsRegistry[name]
  const fromEnvironment = environmentSettings[name]
  const fallback = fromEnvironment ?? definition.default
  const stored = row === undefined ? fallback : (openSettingValue(keyring, name, row.value) as SettingValue)
  const isSecret = definition.type === 'string' && definition.secret === true
  return {
    name,
    type: definition.type,
    value: isSecret ? maskUrl(String(stored)) : stored,
    default: definition.default,
    source: row === undefined ? (fromEnvironment === undefined ? 'default' : 'environment') : sourceOf(row),
    category: definition.category,
    description: definition.description,
    unit: definition.unit ?? null,
    min: definition.type === 'int' ? definition.min : null,
    max: definition.type === 'int' ? definition.max : null,
    choices: definition.type === 'choice' ? [...definition.choices] : null,
    group_override: definition.groupOverride,
    managed_by: row?.managed_by ?? null,
    updated_at: row === undefined ? null : toInstant(row.updated_at),
  }
}

function sourceOf(row: SettingRow): SettingEntry['source'] {
  return row.source as (typeof settingSources)[number]
}
