import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import type { Browser, Locator } from 'playwright-core'
import { openBrowser, visit, type Visit } from './browser.ts'
import { addAccessKey, startInstallation, type Installation } from './installation.ts'

/** Over a chart, between two shares of its width. Let go in the turn of the last move: before the browser has drawn it. */
export async function drag(chart: Locator, from: number, to: number): Promise<void> {
  const box = (await chart.locator('.u-over').boundingBox())!
  const { mouse } = chart.page()
  await mouse.move(box.x + box.width * from, box.y + 20)
  await mouse.down()
  await mouse.move(box.x + (box.width * (from + to)) / 2, box.y + 20, { steps: 5 })
  await chart.locator('.u-over').evaluate(
    (over, point) => {
      const at = { bubbles: true, clientX: point.x, clientY: point.y }
      over.dispatchEvent(new MouseEvent('mousemove', at))
      over.dispatchEvent(new MouseEvent('mouseup', at))
    },
    { x: box.x + box.width * to, y: box.y + 20 },
  )
  await mouse.up()
}

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
    /** A page, its console empty until the end. What fails on it says what was to be seen. */
    async at(path: string, use: (page: Visit) => Promise<void>): Promise<void> {
      const page = await visit(browser, installation.url + path)
      await use(page).catch(async (error: unknown) => {
        throw new Error(`${String(error)}\n${await sceneOf(page)}`, { cause: error })
      })
      assert.deepEqual(page.problems, [])
      await page.context().close()
    },
  }
}

async function sceneOf(page: Visit): Promise<string> {
  const shown = await page
    .locator('body')
    .ariaSnapshot({ timeout: 2_000 })
    .catch((error: unknown) => String(error))
  return [`on the page: ${page.url()}`, ...page.problems, shown].join('\n')
}
