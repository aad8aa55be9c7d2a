import type { ConfigChange, ConfigPlanInput } from '@gpt-load/contracts/api/config'
import type { SettingValue } from '@gpt-load/contracts/settings'
import { openSettingValue } from '@gpt-load/database/row-secrets'
import { unmaskProxyUrl } from '../groups/group-secrets.ts'
import type { ChangeContext } from '../verb.ts'
import type { Foreign } from './plan-config.ts'
import { createFingerprint, shownSetting } from './plan-field-changes.ts'

/** System settings that the file names. One that a person has set belongs to nobody: the file may take it over freely. */
export async function planSettings(
  { store, keyring }: ChangeContext,
  { config, owner }: ConfigPlanInput,
): Promise<{ changes: ConfigChange[]; foreign: Foreign[] }> {
  const fingerprint = createFingerprint(keyring)
  const rows = new Map((await store.database.setting.findMany()).map((row) => [row.name, row]))
  const changes: ConfigChange[] = []
  const foreign: Foreign[] = []
  for (const [name, value] of Object.entries(config.settings ?? {}) as [string, SettingValue | undefined][]) {
    if (value === undefined) continue
    const row = rows.get(name)
    const stored = row === undefined ? null : (openSettingValue(keyring, name, row.value) as SettingValue)
    if (name === 'proxy_url' && value !== '') unmaskProxyUrl(String(value), stored ?? undefined, '/proxy_url')
    const storedOwner = row?.managed_by ?? null
    if (storedOwner !== null && storedOwner !== owner) foreign.push({ place: `settings.${name}`, owner: storedOwner })
    if (stored === value && storedOwner === owner) continue
    const [before, after] = [stored, value].map((one) => shownSetting(name, one, fingerprint))
    const fields = [
      ...(stored === value ? [] : [{ field: 'value', before: before ?? null, after: after ?? null }]),
      ...(storedOwner === owner ? [] : [{ field: 'managed_by', before: storedOwner, after: owner }]),
    ]
    changes.push({ action: row === undefined ? 'create' : 'update', entity: 'setting', name, fields, keys: null })
  }
  return { changes, foreign }
}
