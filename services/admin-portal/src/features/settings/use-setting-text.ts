'use client'

import { useQuery } from '@tanstack/react-query'
import { settingsRegistry, type SettingName } from '@gpt-load/contracts/settings'
import { useText } from '../../i18n/locale.tsx'
import type { Locale } from '../../i18n/messages.ts'

/**
 * What settings mean, in the language of the page. The registry says it in English. Catalogues of their own, loaded where settings
 * are shown: the first page needs none of it.
 */
export type SettingTexts = Readonly<Record<SettingName, string>>

const catalogues: Record<Locale, () => Promise<SettingTexts>> = {
  en: () => Promise.resolve(english()),
  zh: async () => (await import('./setting-texts.zh.ts')).settingTexts,
  ja: async () => (await import('./setting-texts.ja.ts')).settingTexts,
}

/** Empty until the catalogue is there: no text appears in one language and changes into another. */
export function useSettingText(): (name: SettingName) => string {
  const { locale } = useText()
  const { data } = useQuery({
    queryKey: ['setting-texts', locale],
    queryFn: () => catalogues[locale](),
    staleTime: Infinity,
    networkMode: 'always',
  })
  return (name) => data?.[name] ?? ''
}

function english(): SettingTexts {
  const texts = Object.entries(settingsRegistry).map(([name, { description }]) => [name, description])
  return Object.fromEntries(texts) as Record<SettingName, string>
}
