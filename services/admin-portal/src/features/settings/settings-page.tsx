'use client'

import type { SettingList } from '@gpt-load/contracts/api/setting'
import { settingsRegistry, type SettingName } from '@gpt-load/contracts/settings'
import { toast } from 'sonner'
import { api, useApi, useChange } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { PageHeader, Panel } from '../../ui/page.tsx'
import { describeError, ErrorState } from '../../ui/states.tsx'
import { LoadingSettings, SettingsEditor, type EditableSetting, type SettingChanges } from './settings-editor.tsx'

export function SettingsPage() {
  const { t } = useText()
  const query = useApi('GET /api/v1/settings', {})
  return (
    <>
      <PageHeader title={t('nav.settings')} description={t('settings.about')} />
      {query.data !== undefined ? (
        <SystemSettings list={query.data} />
      ) : query.error === null ? (
        <LoadingSettings />
      ) : (
        <Panel>
          <ErrorState error={query.error} onRetry={() => void query.refetch()} />
        </Panel>
      )}
    </>
  )
}

function SystemSettings({ list }: { list: SettingList }) {
  const { t } = useText()
  const save = useChange((body: SettingChanges) => api('PATCH /api/v1/settings', { revision: list.revision, body }), {
    onFailed: (error) => toast.error(describeError(error, t)),
  })
  const settings = list.items
    // A newer server may know more than this page does.
    .filter(({ name }) => name in settingsRegistry)
    .map((entry): EditableSetting => ({
      name: entry.name as SettingName,
      category: entry.category,
      value: entry.value,
      own: entry.source === 'database' || entry.source === 'file',
      inherited: entry.default,
      origin: t(`settings.source.${entry.source}`),
      managedBy: entry.managed_by,
    }))
  return <SettingsEditor settings={settings} save={save} />
}
