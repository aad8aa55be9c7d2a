import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { endpoints, operationIds } from '@gpt-load/contracts/api/endpoints'
import { openBrowser, violationsOf, visit } from './support/browser.ts'
import { startInstallation, type Installation } from './support/installation.ts'

/** The page at /api/v1/docs, through the one public port and a browser. */
let installation: Installation
let browser: Browser

before(async () => {
  installation = await startInstallation()
  browser = await openBrowser()
})
after(async () => {
  await browser.close()
  await installation[Symbol.asyncDispose]()
})

test('names every operation of the endpoint table with its method and path, without a script or an inline style', async () => {
  const answer = await fetch(`${installation.url}/api/v1/docs`)
  assert.equal(answer.headers.get('content-type'), 'text/html; charset=utf-8')
  const policy = answer.headers.get('content-security-policy') ?? ''
  assert.match(policy, /^default-src 'none'; style-src 'self';/)
  assert.doesNotMatch(policy, /unsafe|https?:|\*/)
  const page = await answer.text()
  assert.doesNotMatch(page, /<script|<style|style=|\son\w+=/i)
  const text = page.replaceAll(/<[^>]*>/g, '')
  for (const id of operationIds) {
    assert.ok(page.includes(`<article id="${id}">`), id)
    assert.ok(text.includes(`${endpoints[id].method} ${endpoints[id].path}`), id)
  }
})

for (const [theme, width] of [
  ['light', 1280],
  ['dark', 1280],
  ['light', 390],
] as const) {
  test(`is accessible and loads nothing of others (${theme}, ${width} px)`, async () => {
    const url = `${installation.url}/api/v1/docs`
    const page = await visit(browser, url, { theme, width, isSignedIn: false })
    assert.equal(await page.evaluate(() => document.styleSheets.length), 1, 'the stylesheet is there')
    assert.notEqual(await page.evaluate(() => getComputedStyle(document.body).margin), '8px')
    await page.getByRole('link', { name: 'createGroup', exact: true }).first().click()
    assert.match(page.url(), /#createGroup$/)
    const article = page.locator('#createGroup')
    await article.getByText('upstreams', { exact: true }).first().waitFor()
    await article.locator('summary').first().click()
    await article.getByText('key_counts', { exact: true }).first().waitFor()
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true)
    assert.deepEqual([...(await violationsOf(page)), ...page.problems], [])
    await page.context().close()
  })
}
