import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { type Look, openBrowser, violationsOf, visit, type Visit, type VisitOptions } from './browser.ts'
import { startInstallation, type Installation } from './installation.ts'
import { fillWithSamples } from './sample-data.ts'

/** Colours are looked at where `hasContrast`: in the light theme, then in the dark one. They depend on nothing else. */
type Form = VisitOptions & { hasContrast?: boolean }
export const narrow = { width: 360, height: 740 } as const

/** A test per form: nothing may be wrong with any page in it. */
export function describePages(title: string, forms: Record<string, Form>): void {
  describe(title, () => {
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
    for (const [name, form] of Object.entries(forms))
      test(name, async () => assert.deepEqual(await lookAtPages({ browser, installation, pages }, form), []))
  })
}

/** Every page, tab and dialog that has an address, over an installation with something in it. */
type PageList = readonly (readonly [path: string, heading: string])[]

async function listPages(installation: Installation): Promise<PageList> {
  const { group, aggregate, task } = await fillWithSamples(installation)
  const { revision } = (await installation.api('GET /api/v1/policy-revisions', {})).data.items[3]!
  const log = (await installation.api('GET /api/v1/logs', {})).data.items.find(({ attempt_count: count }) => count > 1)
  return [
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
    [`/groups/view/?id=${group}&tab=explain`, 'Ask an edge'],
    [`/groups/view/?id=${group}&tab=settings`, 'Requests'],
    [`/groups/view/?id=${group}&tab=details`, 'OpenAI production'],
    [`/groups/view/?id=${group}&tab=rules`, 'Headers'],
    [`/groups/view/?id=${aggregate}`, 'OpenAI, all pools'],
    ['/access-keys/', 'Access keys'],
    ['/access-keys/?create=true', 'Create access key'],
    ['/logs/', 'Requests'],
    [`/logs/?request=${log?.request_id}`, 'Attempts'],
    [`/logs/?request=${log?.request_id}&explain=true`, 'Candidate keys'],
    ['/?metric=errors&compare=true', 'Latest requests'],
    ['/?metric=first_token&view=table', 'Latest requests'],
    ['/logs/?failed=true&model=gpt-4o&live=false', 'Requests'],
    ['/usage/', 'Usage'],
    ['/usage/?by=model&compare=true', 'Usage'],
    ['/usage/?by=key', 'Usage'],
    ['/prices/', 'Prices'],
    ['/prices/?create=true', 'Add price'],
    ['/revisions/', 'Revisions'],
    [`/revisions/?to=${revision}`, `Go back to revision ${revision}`],
    ['/tasks/', 'Tasks'],
    [`/tasks/?task=${task}`, 'Problems'],
    ['/edges/', 'Edges'],
    ['/tokens/', 'Admin tokens'],
    ['/tokens/?create=true', 'Create token'],
    ['/system/', 'Installation'],
    ['/settings/', 'Settings'],
  ]
}

/** What is wrong with any of them in one form. */
async function lookAtPages(
  { browser, installation, pages }: { browser: Browser; installation: Installation; pages: PageList },
  { hasContrast = false, ...options }: Form,
): Promise<string[]> {
  const page = await visit(browser, `${installation.url}/`, options)
  const problems: string[] = []
  // Names are English ones; elsewhere any heading will do.
  const isEnglish = options.locale === undefined
  for (const [path, heading] of pages) {
    await page.goto(installation.url + path)
    const without = isEnglish ? 'no colours' : 'names'
    const found = await look(page, { heading: isEnglish ? heading : null, what: hasContrast ? 'all' : without })
    problems.push(...found.map((problem) => `${path}: ${problem}`))
  }
  await page.context().close()
  return problems
}

async function look(page: Visit, { heading, what }: { heading: string | null; what: Look }): Promise<string[]> {
  await page
    .getByRole('heading', heading === null ? {} : { name: heading, exact: true })
    .first()
    .waitFor()
  await page.waitForFunction(() => document.querySelector('[role=status] .animate-pulse') === null)
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
  const found = await violationsOf(page, what)
  if (what === 'all') found.push(...(await darkColoursOf(page)))
  found.push(...page.problems.splice(0))
  const cutTables = await page.getByRole('table').evaluateAll((tables) => {
    const headEnd = (table: Element): number =>
      Math.max(...[...table.querySelectorAll('th')].map((cell) => cell.getBoundingClientRect().right))
    return tables.filter((table) => headEnd(table) < table.parentElement!.getBoundingClientRect().right - 20).length
  })
  if (cutTables > 0) found.push('a table does not fill its place')
  if (overflow > 0) found.push(`${overflow} px wider than the screen`)
  return found
}

async function darkColoursOf(page: Visit): Promise<string[]> {
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.locator('html.dark').waitFor()
  const found = await violationsOf(page, 'colours')
  await page.emulateMedia({ colorScheme: 'light' })
  return found.map((problem) => `dark: ${problem}`)
}
