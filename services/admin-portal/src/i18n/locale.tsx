'use client'

import { createContext, use, useCallback, useEffect, useMemo, useState, type ReactNode } from 'react'
import { createFormat, type Format } from './format.ts'
import {
  fillIn,
  languageTags,
  loadMessages,
  locales,
  type Locale,
  type MessageKey,
  type Messages,
  type TextArguments,
} from './messages.ts'

/** The language: what was chosen here, else the browser's first that we speak. Switches in place. */
type LocaleContext = {
  locale: Locale
  setLocale: (locale: Locale) => void
  t: <Key extends MessageKey>(key: Key, ...values: TextArguments<Key>) => string
  format: Format
}

const Context = createContext<LocaleContext | null>(null)
const storageKey = 'gpt-load-language'

/** Shows `waiting` until the catalogue is there: no text appears in one language and changes into another. */
export function LocaleProvider({ children, waiting }: { children: ReactNode; waiting: ReactNode }) {
  const [loaded, setLoaded] = useState<{ locale: Locale; messages: Messages } | null>(null)
  const load = useCallback(async (locale: Locale) => {
    setLoaded({ locale, messages: await loadMessages(locale) })
    document.documentElement.lang = languageTags[locale]
  }, [])
  useEffect(() => void load(preferredLocale()), [load])
  const value = useMemo(() => {
    if (loaded === null) return null
    const { locale, messages } = loaded
    const context: LocaleContext = {
      locale,
      setLocale: (next) => {
        localStorage.setItem(storageKey, next)
        void load(next)
      },
      t: (key, ...values) => fillIn(messages[key], values[0]),
      format: createFormat(locale),
    }
    return context
  }, [loaded, load])
  return value === null ? waiting : <Context value={value}>{children}</Context>
}

export function useText(): LocaleContext {
  const context = use(Context)
  if (context === null) throw new Error('useText outside of LocaleProvider')
  return context
}

function preferredLocale(): Locale {
  const wanted = [localStorage.getItem(storageKey) ?? '', ...navigator.languages].map((tag) => tag.slice(0, 2))
  return locales.find((locale) => locale === wanted.find((tag) => (locales as readonly string[]).includes(tag))) ?? 'en'
}
