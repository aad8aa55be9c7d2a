import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { openBrowser, violationsOf, visit, type Visit, type VisitOptions } from './support/browser.ts'
import { startInstallation, type Installation } from './support/installation.ts'
import { fillWithSamples } from './support/sample-data.ts'

let installation: Installation
let browser: Browser
let pages: [path: string, heading: string][] = []

before(async () => {
  installation = await startInstallation()
  browser = await openBrowser()
  const { group, aggregate, task } = await fillWithSamples(installation)
  const log = (await installation.api('GET /api/v1/logs', {})).data.items.find(({ attempt_count: count }) => count > 1)
  pages = [
    ['/', 'Latest requests'],
    ['/audit/', 'Audit'],
    ['/groups/', 'Groups'],
    ['/groups/?create=true', 'Create group'],
    ['/groups/?order=true', 'Reorder'],
    [`/groups/view/?id=${group}`, 'OpenAI production'],
    [`/groups/view/?id=${group}&add=true`, 'Import keys'],
    [`/groups/view/?id=${group}&key=1`, 'History'],
    [`/groups/view/?id=${group}&tab=upstreams`, 'OpenAI production'],
    [`/groups/view/?id=${group}&tab=connect`, 'Access key'],
    [`/groups/view/?id=${group}&tab=settings`, 'Requests'],
    [`/groups/view/?id=${group}&tab=details`, 'OpenAI production'],
    [`/groups/view/?id=${group}&tab=rules`, 'Headers'],
    [`/groups/view/?id=${aggregate}`, 'OpenAI, all pools'],
    ['/access-keys/', 'Access keys'],
    ['/access-keys/?create=true', 'Create access key'],
    ['/logs/', 'Requests'],
    [`/logs/?request=${log?.request_id}`, 'Attempts'],
    ['/tasks/', 'Tasks'],
    [`/tasks/?task=${task}`, 'Problems'],
    ['/edges/', 'Edges'],
    ['/tokens/', 'Admin tokens'],
    ['/tokens/?create=true', 'Create token'],
    ['/system/', 'Installation'],
    ['/settings/', 'Settings'],
  ]
})
after(async () => {
  await browser.close()
  await installation[Symbol.asyncDispose]()
})

async function look(page: Visit, path: string, heading: string | null): Promise<string[]> {
  await page.goto(installation.url + path)
  // Names are English ones; elsewhere any heading will do.
  await page
    .getByRole('heading', heading === null ? {} : { name: heading, exact: true })
    .first()
    .waitFor()
  await page.waitForFunction(() => document.querySelector('[role=status] .animate-pulse') === null)
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
  const found = [...(await violationsOf(page)), ...page.problems.splice(0)]
  const cutTables = await page.getByRole('table').evaluateAll((tables) => {
    const headEnd = (table: Element): number =>
      Math.max(...[...table.querySelectorAll('th')].map((cell) => cell.getBoundingClientRect().right))
    return tables.filter((table) => headEnd(table) < table.parentElement!.getBoundingClientRect().right - 20).length
  })
  if (cutTables > 0) found.push('a table does not fill its place')
  if (overflow > 0) found.push(`${overflow} px wider than the screen`)
  return found.map((problem) => `${path}: ${problem}`)
}

const narrow = { width: 360, height: 740 } as const

describe('every page is accessible, fits, asks nobody else for anything and leaves the console empty', () => {
  for (const [form, options] of Object.entries<VisitOptions>({
    light: { theme: 'light' },
    dark: { theme: 'dark' },
    narrow: { ...narrow },
    'narrow, dark': { ...narrow, theme: 'dark' },
    Chinese: { locale: 'zh-CN' },
    Japanese: { locale: 'ja-JP', theme: 'dark' },
    'narrow, dark, Chinese': { ...narrow, theme: 'dark', locale: 'zh-CN' },
    'narrow, Japanese': { ...narrow, locale: 'ja-JP' },
  }))
    test(form, async () => {
      const page = await visit(browser, `${installation.url}/`, options)
      const problems: string[] = []
      for (const [path, heading] of pages)
        problems.push(...(await look(page, path, options.locale === undefined ? heading : null)))
      assert.deepEqual(problems, [])
      await page.context().close()
    })
})
