'use client'

import { useQuery } from '@tanstack/react-query'
import {
  settingsRegistry,
  type SettingDefinition,
  type SettingName,
  type SettingUnit,
} from '@gpt-load/contracts/settings'
import { useText } from '../../i18n/locale.tsx'
import type { Locale } from '../../i18n/messages.ts'

/**
 * What settings mean and how they are counted, in the language of the page. The registry says it in English. Catalogues of their own, loaded where settings
 * are shown: the first page needs none of it.
 */
export type SettingTexts = Readonly<Record<SettingName, string>>
export type UnitTexts = Readonly<Record<SettingUnit, string>>
/** Without `unitTexts` units are what the registry calls them. */
type Catalogue = { settingTexts: SettingTexts; unitTexts?: UnitTexts }

const catalogues: Record<Locale, () => Promise<Catalogue>> = {
  en: () => Promise.resolve({ settingTexts: english() }),
  zh: () => import('./setting-texts.zh.ts'),
  ja: () => import('./setting-texts.ja.ts'),
}

/** Empty until the catalogue is there, and where it cannot be had: no text appears in one language and changes into another. */
export function useSettingText(): {
  isLoading: boolean
  meaningOf(name: SettingName): string
  unitOf(name: SettingName): string
} {
  const { locale } = useText()
  const { data, isPending } = useQuery({
    queryKey: ['setting-texts', locale],
    queryFn: () => catalogues[locale](),
    staleTime: Infinity,
    networkMode: 'always',
  })
  return {
    isLoading: isPending,
    meaningOf: (name) => data?.settingTexts[name] ?? '',
    unitOf(name) {
      const { unit }: SettingDefinition = settingsRegistry[name]
      return data === undefined || unit === undefined ? '' : (data.unitTexts?.[unit] ?? unit)
    },
  }
}

function english(): SettingTexts {
  const texts = Object.entries(settingsRegistry).map(([name, { description }]) => [name, description])
  return Object.fromEntries(texts) as Record<SettingName, string>
}
