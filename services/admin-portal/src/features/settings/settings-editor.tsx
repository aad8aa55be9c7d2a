'use client'

import { settingsRegistry, type SettingName, type SettingValue } from '@gpt-load/contracts/settings'
import { settingSchema } from '@gpt-load/contracts/settings-schema'
import type { SettingEntry } from '@gpt-load/contracts/api/setting'
import { parseAsString, useQueryState } from 'nuqs'
import { useCallback, useState } from 'react'
import { toast } from 'sonner'
import '../../client/form-errors.ts'
import { useText } from '../../i18n/locale.tsx'
import { Button } from '../../ui/button.tsx'
import { NothingFound } from '../../ui/nothing-found.tsx'
import { Panel, Toolbar } from '../../ui/page.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { SkeletonRows } from '../../ui/states.tsx'
import { SettingRow } from './setting-row.tsx'
import { useSettingText } from './use-setting-text.ts'

/** `own` = set at this level; without it the value comes from the level above. */
export type EditableSetting = {
  name: SettingName
  category: SettingEntry['category']
  value: SettingValue
  own: boolean
  /** What holds when the own value goes. */
  inherited: SettingValue
  origin: string
  managedBy: string | null
}
/** null = back to what is inherited. */
export type SettingChanges = Partial<Record<SettingName, SettingValue | null>>

const categories = ['basic', 'request', 'retry', 'key', 'log'] as const

/** Settings of the system or of a group: only what was changed is sent, and what will change is seen before. */
export function SettingsEditor(props: {
  settings: readonly EditableSetting[]
  save: { isPending: boolean; mutate: (changes: SettingChanges, options: { onSuccess: () => void }) => void }
}) {
  const { t, format } = useText()
  const { isLoading, meaningOf, unitOf } = useSettingText()
  const { settings, save } = props
  const [search, setSearch] = useQueryState('search', parseAsString.withDefault(''))
  const [changes, setChanges] = useState<SettingChanges>({})
  const onSearch = useCallback((value: string) => void setSearch(value === '' ? null : value), [setSearch])
  const shown = settings.filter(({ name }) => matches(`${name} ${meaningOf(name)}`, search))
  const names = Object.keys(changes) as SettingName[]
  const isValid = names.every((name) => problemOf(name, changes[name]) === undefined)
  const change = useCallback((name: SettingName, value: SettingValue | null | undefined) => {
    setChanges((before) => {
      const after = { ...before }
      if (value === undefined) delete after[name]
      else after[name] = value
      return after
    })
  }, [])
  const onSaved = (): void => {
    setChanges({})
    toast.success(t('common.saved'))
  }
  if (isLoading) return <LoadingSettings />
  return (
    <>
      <Toolbar>
        <SearchField label={t('settings.search')} value={search} onChange={onSearch} />
      </Toolbar>
      {shown.length === 0 && (
        <Panel>
          <NothingFound onClear={() => onSearch('')} />
        </Panel>
      )}
      <div className="grid gap-4">
        {categories.map((category) => {
          const rows = shown.filter((setting) => setting.category === category)
          if (rows.length === 0) return null
          return (
            <Panel key={category}>
              <h2 className="border-b border-line bg-sunken px-4 py-2 text-[13px] font-medium text-ink-soft">
                {t(`settings.category.${category}`)}
              </h2>
              {rows.map((setting) => (
                <SettingRow
                  key={setting.name}
                  setting={setting}
                  meaning={meaningOf(setting.name)}
                  unit={unitOf(setting.name)}
                  change={changes[setting.name]}
                  problem={problemOf(setting.name, changes[setting.name])}
                  onChange={change}
                />
              ))}
            </Panel>
          )
        })}
      </div>
      {names.length > 0 && (
        <div className="sticky bottom-4 z-20 mt-4 flex flex-wrap items-center gap-2 rounded-lg border border-line-strong bg-surface px-4 py-2 shadow-float">
          <span role="status" className="figures mr-auto">
            {t('settings.changed', { count: format.number(names.length) })}
          </span>
          <Button onClick={() => setChanges({})}>{t('common.discard')}</Button>
          <Button
            kind="primary"
            disabled={!isValid}
            isBusy={save.isPending}
            onClick={() => save.mutate(changes, { onSuccess: onSaved })}
          >
            {t('common.save')}
          </Button>
        </div>
      )}
    </>
  )
}

/** Texts make rows as tall as they are: without them all would move. */
export function LoadingSettings() {
  return (
    <Panel>
      <SkeletonRows rows={10} height={56} />
    </Panel>
  )
}

function matches(text: string, search: string): boolean {
  const words = search.toLowerCase().split(/\s+/)
  return words.every((word) => text.toLowerCase().includes(word))
}

/** By the registry's own schema, as the server will judge it. */
function problemOf(name: SettingName, value: SettingValue | null | undefined): string | undefined {
  if (value === undefined || value === null) return undefined
  const result = settingSchema(settingsRegistry[name]).safeParse(value)
  return result.success ? undefined : result.error.issues[0]?.message
}
