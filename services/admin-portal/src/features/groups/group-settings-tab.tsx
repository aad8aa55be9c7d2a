'use client'

import type { Group } from '@gpt-load/contracts/api/group'
import { groupSettingNames, settingsRegistry } from '@gpt-load/contracts/settings'
import { toast } from 'sonner'
import { api, useApi, useChange } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { Panel } from '../../ui/page.tsx'
import { describeError, ErrorState, SkeletonRows } from '../../ui/states.tsx'
import { ownerOfField } from './file-owner.ts'
import { SettingsEditor, type EditableSetting, type SettingChanges } from '../settings/settings-editor.tsx'

/** What the group overrides, over what it inherits from the system. */
export function GroupSettingsTab({ group }: { group: Group }) {
  const { t } = useText()
  const system = useApi('GET /api/v1/settings', {})
  const save = useChange(
    (settings: SettingChanges) =>
      api('PATCH /api/v1/groups/{id}', { params: { id: group.id }, revision: group.revision, body: { settings } }),
    { onFailed: (error) => toast.error(describeError(error, t)) },
  )
  if (system.data === undefined)
    return (
      <Panel>
        {system.error === null ? (
          <SkeletonRows rows={10} height={56} />
        ) : (
          <ErrorState error={system.error} onRetry={() => void system.refetch()} />
        )}
      </Panel>
    )
  const entries = new Map(system.data.items.map((entry) => [entry.name, entry]))
  const settings = groupSettingNames.map((name): EditableSetting => {
    const entry = entries.get(name)
    const inherited = entry?.value ?? settingsRegistry[name].default
    const own = group.settings[name]
    return {
      name,
      category: settingsRegistry[name].category,
      value: own ?? inherited,
      own: own !== undefined,
      inherited,
      origin: own === undefined ? t(`settings.source.${entry?.source ?? 'default'}`) : t('settings.source.group'),
      managedBy: ownerOfField(group, `settings.${name}`),
    }
  })
  return <SettingsEditor settings={settings} save={save} />
}
