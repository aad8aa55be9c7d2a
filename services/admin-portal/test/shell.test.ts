import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { after, before, describe, test } from 'node:test'
import { createLog } from '@gpt-load/service-kit/logger'
import { createSecretScrubber } from '@gpt-load/service-kit/secret-scrubber'
import type { Browser } from 'playwright-core'
import { openPortalFiles } from '../src/server/portal-files.ts'
import { startPortalServer } from '../src/server/portal-server.ts'
import { openBrowser, plainHost, violationsOf, visit } from './support/browser.ts'
import { adminKey, startInstallation, type Installation } from './support/installation.ts'
import { fillWithSamples } from './support/sample-data.ts'

let installation: Installation
let empty: Installation
let browser: Browser

before(async () => {
  installation = await startInstallation()
  empty = await startInstallation()
  browser = await openBrowser()
  await fillWithSamples(installation)
})
after(async () => {
  await browser.close()
  await installation[Symbol.asyncDispose]()
  await empty[Symbol.asyncDispose]()
})

test('the first page loads less than 250 kB of compressed JavaScript, its chart included', async (context) => {
  const page = await visit(browser, `${installation.url}/`)
  await page.locator('.uplot canvas').first().waitFor()
  await page.waitForLoadState('networkidle')
  const sizes = await page.evaluate(() =>
    performance
      .getEntriesByType('resource')
      .filter(({ name }) => name.endsWith('.js'))
      .map(
        (entry) =>
          [
            (entry as PerformanceResourceTiming).encodedBodySize,
            (entry as PerformanceResourceTiming).decodedBodySize,
          ] as const,
      ),
  )
  const total = sizes.reduce((sum, [encoded]) => sum + encoded, 0)
  context.diagnostic(`${total} bytes in ${sizes.length} files`)
  assert.ok(
    sizes.some(([encoded, decoded]) => encoded < decoded / 2),
    'they are compressed',
  )
  assert.ok(total > 0 && total < 250_000, `${total} bytes`)
  await page.context().close()
})

describe('languages', () => {
  for (const [locale, title, language] of [
    ['zh-CN', '分组', 'zh-CN'],
    ['ja-JP', 'グループ', 'ja'],
  ] as const)
    test(`the browser's language decides: ${locale}`, async () => {
      const page = await visit(browser, `${installation.url}/groups/`, { locale })
      await page.getByRole('heading', { name: title, exact: true }).waitFor()
      assert.equal(await page.locator('html').getAttribute('lang'), language)
      assert.deepEqual(await violationsOf(page), [])
      assert.deepEqual(page.problems, [])
      await page.context().close()
    })

  test('it switches in place and is remembered', async () => {
    const page = await visit(browser, `${installation.url}/groups/?search=Claude`)
    await page.getByLabel('Language').selectOption('日本語')
    await page.getByRole('heading', { name: 'グループ', exact: true }).waitFor()
    assert.match(page.url(), /search=Claude/)
    await page.reload()
    await page.getByRole('heading', { name: 'グループ', exact: true }).waitFor()
    await page.context().close()
  })
})

test('the theme follows the system until one is chosen', async () => {
  const page = await visit(browser, `${installation.url}/groups/`, { theme: 'dark' })
  const isDark = (): Promise<boolean> => page.evaluate(() => document.documentElement.classList.contains('dark'))
  await page.getByLabel('Appearance').waitFor()
  assert.equal(await isDark(), true)
  await page.getByLabel('Appearance').selectOption('Light')
  assert.equal(await isDark(), false)
  await page.reload()
  await page.getByRole('heading', { name: 'Groups' }).waitFor()
  assert.equal(await isDark(), false)
  await page.context().close()
})

test('lists without entries say what belongs there', async () => {
  const [group] = (await empty.api('GET /api/v1/groups', {})).data.items
  for (const [path, title] of [
    [`/groups/view/?id=${group?.id}`, 'No keys yet'],
    ['/', 'From nothing to the first answer'],
    ['/logs/', 'No requests in this period'],
    ['/groups/?search=nothing-like-it', 'Nothing found'],
  ] as const) {
    const page = await visit(browser, empty.url + path)
    await page.getByRole('heading', { name: title }).waitFor()
    assert.deepEqual(await violationsOf(page), [])
    assert.deepEqual(page.problems, [])
    await page.context().close()
  }
})

test('a failure shows its request id and can be tried again', async () => {
  const page = await visit(browser, `${installation.url}/edges/`)
  await page.getByRole('heading', { name: 'Edges' }).waitFor()
  // A group that is not there: the API's own 404.
  await page.goto(`${installation.url}/groups/view/?id=99999`)
  const alert = page.getByRole('main').getByRole('alert')
  await alert.waitFor()
  assert.match(await alert.innerText(), /Request [0-9a-f-]{36}/)
  await Promise.all([
    page.waitForResponse((response) => response.url().endsWith('/api/v1/groups/99999')),
    alert.getByRole('button', { name: 'Try again' }).click(),
  ])
  await page.context().close()
})

describe('signing in', () => {
  test('who is not signed in sees the sign-in page and nothing else', async () => {
    const page = await visit(browser, `${installation.url}/settings/`, { isSignedIn: false })
    await page.getByLabel('Admin key').waitFor()
    assert.deepEqual(await violationsOf(page), [])
    assert.equal(await page.getByRole('navigation').count(), 0)
    assert.equal(await page.getByText('request_timeout').count(), 0)
    await page.context().close()
  })

  test('a wrong key is said at the field; the right one opens the page that was asked for, until signing out', async () => {
    const page = await visit(browser, `${installation.url}/edges/`, { isSignedIn: false })
    await page.getByLabel('Admin key').fill('not-the-key-of-this-one')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('This is not an admin key of this installation.').waitFor()
    await page.getByLabel('Admin key').fill(adminKey)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'Edges' }).waitFor()
    const stored = await page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
    )
    assert.ok(!stored.includes(adminKey) && !stored.includes('session'), stored)
    await page.getByRole('button', { name: /Sign out/ }).click()
    await page.getByLabel('Admin key').waitFor()
    await page.reload()
    await page.getByLabel('Admin key').waitFor()
    await page.context().close()
  })
})

test("through the portal's own server a person signs in, changes something and signs out", async () => {
  const files = await openPortalFiles()
  assert.ok(files)
  const log = createLog({ level: 'fatal', format: 'json', scrubber: createSecretScrubber() })
  const server = await startPortalServer({
    host: '127.0.0.1',
    port: 0,
    targets: [installation.url],
    files,
    logger: log.logger,
  })
  const page = await visit(browser, `http://127.0.0.1:${server.port}/groups/view/?id=1`, { isSignedIn: false })
  await page.getByLabel('Admin key').fill(adminKey)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'default' }).waitFor()
  await page.getByRole('switch', { name: 'Group is on' }).click()
  await page.getByRole('main').getByText('Off', { exact: true }).waitFor()
  await page.getByRole('button', { name: /Sign out/ }).click()
  await page.getByLabel('Admin key').waitFor()
  await page.context().close()
  await server.close()
})

test('copy buttons work over plain http, where browsers have no clipboard for pages', async () => {
  const page = await visit(browser, installation.url, { isSignedIn: false })
  await page.goto(`${installation.url.replace('127.0.0.1', plainHost)}/groups/view/?id=1&tab=connect`)
  await page.getByLabel('Admin key').fill(adminKey)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: 'Copy', exact: true }).first().click()
  assert.equal(await page.evaluate(() => window.isSecureContext), false)
  await page.evaluate(() => {
    const place = document.createElement('textarea')
    document.body.append(place)
    place.focus()
  })
  await page.keyboard.press('Control+V')
  const pasted = await page.evaluate(() => (document.activeElement as HTMLTextAreaElement).value)
  assert.match(pasted, /^curl /)
  await page.context().close()
})

test('below a base path: pages, links, API, uploads, and what a reverse proxy has taken away', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gpt-load-portal-base-'))
  await using cleanUp = new AsyncDisposableStack()
  cleanUp.defer(() => rm(folder, { recursive: true, force: true }))
  const builder = fileURLToPath(new URL('../src/build/build-portal.ts', import.meta.url))
  await promisify(execFile)(process.execPath, [builder, join(folder, 'out')], {
    env: { ...process.env, PORTAL_BASE_PATH: '/admin/panel' },
  })
  const files = await openPortalFiles(join(folder, 'out'))
  assert.ok(files !== null)
  const server = await startPortalServer({
    host: '127.0.0.1',
    port: 0,
    targets: [installation.url],
    files,
    logger: createLog({ level: 'fatal', format: 'json', scrubber: createSecretScrubber() }).logger,
  })
  cleanUp.defer(() => server.close())
  const origin = `http://127.0.0.1:${server.port}`
  const page = await visit(browser, `${origin}/admin/panel/groups/`)
  await page.getByRole('heading', { name: 'Groups', exact: true }).waitFor()
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Settings' }).click()
  await page.waitForURL(`${origin}/admin/panel/settings/`)
  await page.getByRole('heading', { name: 'Settings', exact: true }).waitFor()
  await page.reload()
  await page.getByRole('heading', { name: 'Settings', exact: true }).waitFor()
  assert.deepEqual(page.problems, [])
  await page.context().close()
  const stripped = await fetch(`${origin}/settings/`)
  assert.deepEqual([stripped.status, (await stripped.text()).includes('/admin/panel/_next/')], [200, true])
  assert.equal((await fetch(`${origin}/admin/panel/api/v1/status`)).status, 401)
  assert.equal((await fetch(`${origin}/admin/panelled/api/v1/status`)).status, 404)
})

test('keyboard: g and a letter, / for the search, ? for help, Ctrl-K for everything', async () => {
  const page = await visit(browser, `${installation.url}/groups/`)
  await page.getByRole('heading', { name: 'Groups' }).waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('claude')
  await page.waitForURL(/search=claude/)
  await page.getByRole('main').getByRole('link', { name: 'OpenAI batch' }).waitFor({ state: 'detached' })
  await page.getByRole('heading', { name: 'Groups' }).click()
  await page.keyboard.press('g')
  await page.keyboard.press('e')
  await page.waitForURL(/\/edges\//)
  await page.keyboard.press('?')
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await page.keyboard.press('Control+k')
  // While it is being loaded these are no way to the revisions.
  await page.keyboard.type('gr')
  await page.getByPlaceholder('Page, group or request id').fill('openai-batch')
  assert.match(page.url(), /\/edges\//)
  await page.getByRole('option', { name: 'OpenAI batch' }).waitFor()
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/groups\/view\/\?id=/)
  await page.getByRole('heading', { name: 'OpenAI batch' }).waitFor()
  assert.deepEqual(page.problems, [])
  await page.context().close()
})
