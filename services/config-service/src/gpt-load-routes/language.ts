import type { IncomingMessage } from 'node:http'

export const languages = ['en-US', 'zh-CN', 'ja-JP'] as const
export type Language = (typeof languages)[number]

const byPrimaryTag: Readonly<Record<string, Language>> = { en: 'en-US', zh: 'zh-CN', ja: 'ja-JP' }

/** The first entry of Accept-Language decides, as in GPT-Load; none or another language is English. */
export function languageOf({ headers }: Pick<IncomingMessage, 'headers'>): Language {
  const [first = ''] = (headers['accept-language'] ?? '').split(/[,;]/, 1)
  const primary = first.trim().toLowerCase().split('-', 1)[0] ?? ''
  return byPrimaryTag[primary] ?? 'en-US'
}
