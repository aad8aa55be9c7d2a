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

const narrow = { width: 360, height: 740 } as const

describe('every page in Japanese is accessible, fits, and leaves the console empty', () => {
  for (const [form, options] of Object.entries<Parameters<typeof lookAtPages>[1]>({
    'Japanese, dark': { locale: 'ja-JP', theme: 'dark' },
    'Japanese, narrow': { ...narrow, locale: 'ja-JP' },
  }))
    test(form, async () => {
      assert.deepEqual(await lookAtPages({ browser, installation, pages }, options), [])
    })
})
