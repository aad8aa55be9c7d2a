import type { en } from './en.ts'

/** The English catalogue decides which messages there are; another language that misses one does not compile. */
export type MessageKey = keyof typeof en
export type Messages = Readonly<Record<MessageKey, string>>

export const locales = ['en', 'zh', 'ja'] as const
export type Locale = (typeof locales)[number]
/** Each in its own words. */
export const localeNames: Readonly<Record<Locale, string>> = { en: 'English', zh: '中文', ja: '日本語' }
export const languageTags: Readonly<Record<Locale, string>> = { en: 'en', zh: 'zh-CN', ja: 'ja' }

type NamesIn<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | NamesIn<Rest> : never
/** `{name}` in the English text asks for that value. */
export type ValuesOf<Key extends MessageKey> = Record<NamesIn<(typeof en)[Key]>, string | number>
export type TextArguments<Key extends MessageKey> = [NamesIn<(typeof en)[Key]>] extends [never] ? [] : [ValuesOf<Key>]

/** Messages that are whole as they stand. */
export type PlainKey = { [Key in MessageKey]: [NamesIn<(typeof en)[Key]>] extends [never] ? Key : never }[MessageKey]

export function fillIn(text: string, values: Readonly<Record<string, string | number>> = {}): string {
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole))
}

export async function loadMessages(locale: Locale): Promise<Messages> {
  if (locale === 'zh') return (await import('./zh.ts')).zh
  if (locale === 'ja') return (await import('./ja.ts')).ja
  return (await import('./en.ts')).en
}
