import { describePages, narrow } from './support/look-at-pages.ts'

const isLong = process.env['GPTLOAD_TEST_LONG'] === '1'

describePages('every page in another language is accessible, fits, and leaves the console empty', {
  'Chinese, narrow, dark': { ...narrow, locale: 'zh-CN', theme: 'dark' },
  'Japanese, narrow': { ...narrow, locale: 'ja-JP' },
  ...(isLong ? { Chinese: { locale: 'zh-CN' }, 'Japanese, dark': { locale: 'ja-JP', theme: 'dark' } } : {}),
})
