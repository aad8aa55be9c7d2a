import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { openBrowser } from './support/browser.ts'
import { startInstallation, type Installation } from './support/installation.ts'
import { listPages, lookAtPages, type PageList } from './support/look-at-pages.ts'

let installation: Installation
let browser: Browser
let pages: PageList

before(async () => {
  installation = await startInstallation()
  browser = await openBrowser()
  pages = await listPages(installation)
})
after(async () => {
  await browser.close()
  await installation[Symbol.asyncDispose]()
})

const isLong = process.env['GPTLOAD_TEST_LONG'] === '1'
const narrow = { width: 360, height: 740 } as const
type Forms = Record<string, Parameters<typeof lookAtPages>[1]>
const forms: Forms = {
  'Chinese, narrow, dark': { ...narrow, locale: 'zh-CN', theme: 'dark' },
  'Japanese, narrow': { ...narrow, locale: 'ja-JP' },
}
const wideForms: Forms = { Chinese: { locale: 'zh-CN' }, 'Japanese, dark': { locale: 'ja-JP', theme: 'dark' } }

describe('every page in another language is accessible, fits, and leaves the console empty', () => {
  for (const [form, options] of Object.entries({ ...forms, ...(isLong ? wideForms : {}) }))
    test(form, async () => {
      assert.deepEqual(await lookAtPages({ browser, installation, pages }, options), [])
    })
})
