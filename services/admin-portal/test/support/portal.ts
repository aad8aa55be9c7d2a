import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import type { Browser } from 'playwright-core'
import { openBrowser, visit, type Visit } from './browser.ts'
import { addAccessKey, startInstallation, type Installation } from './installation.ts'

/** An installation with an access key and a browser, from before a file's first test until after its last. */
export function openPortal() {
  let installation: Installation
  let browser: Browser
  before(async () => {
    installation = await startInstallation()
    await addAccessKey(installation)
    browser = await openBrowser()
  })
  after(async () => {
    await browser.close()
    await installation[Symbol.asyncDispose]()
  })
  return {
    get installation() {
      return installation
    },
    get browser() {
      return browser
    },
    /** A page, its console empty until the end. */
    async at(path: string, use: (page: Visit) => Promise<void>): Promise<void> {
      const page = await visit(browser, installation.url + path)
      await use(page)
      assert.deepEqual(page.problems, [])
      await page.context().close()
    },
  }
}
