import axe, { type RunOptions } from 'axe-core'
import { chromium, type Browser, type Page } from 'playwright-core'
import { findBinary } from '@gpt-load/testkit/servers/find-binary'
import { adminKey } from './installation.ts'

/** Ours under a name that browsers do not trust as they trust localhost: over http it is no secure context. */
export const plainHost = 'portal.test'

export async function openBrowser(): Promise<Browser & AsyncDisposable> {
  return chromium.launch({
    executablePath: findBinary('chromium-headless-shell', 'chromium-headless-shell'),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--host-resolver-rules=MAP ${plainHost} 127.0.0.1`,
    ],
  })
}

export type Visit = Page & { readonly problems: string[] }

export type VisitOptions = {
  locale?: string
  theme?: 'light' | 'dark'
  width?: number
  height?: number
  isSignedIn?: boolean
}

const patienceMs = 15_000

/** A page of its own context that writes down whatever the console complains about, and every request that leaves the origin. */
export async function visit(browser: Browser, url: string, options: VisitOptions = {}): Promise<Visit> {
  const { locale = 'en-US', theme = 'light', width = 1280, height = 800, isSignedIn = true } = options
  const context = await browser.newContext({
    locale,
    colorScheme: theme,
    viewport: { width, height },
    timezoneId: 'Europe/Berlin',
    reducedMotion: 'reduce',
  })
  if (isSignedIn) await context.addCookies([await sessionOf(new URL(url).origin)])
  context.setDefaultTimeout(patienceMs)
  const page = await context.newPage()
  const problems: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text())
  })
  page.on('pageerror', (error) => problems.push(String(error.stack ?? error)))
  const { origin } = new URL(url)
  page.on('request', (request) => {
    const target = request.url()
    if (!target.startsWith(origin) && !target.startsWith('data:')) problems.push(`a request left: ${target}`)
  })
  await page.goto(url)
  return Object.assign(page, { problems })
}

type Cookie = { name: string; value: string; url: string }
const sessions = new Map<string, Promise<Cookie>>()

/** One session an installation; signing in by hand has a test of its own. */
function sessionOf(url: string): Promise<Cookie> {
  const known = sessions.get(url) ?? signIn(url)
  sessions.set(url, known)
  return known
}

async function signIn(url: string): Promise<Cookie> {
  const response = await fetch(`${url}/api/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ key: adminKey }),
  })
  const [pair] = response.headers.getSetCookie()[0]?.split(';') ?? []
  const [name, value] = pair?.split('=') ?? []
  if (name === undefined || value === undefined) throw new Error(`no session: ${response.status}`)
  return { name, value, url }
}

/**
 * What axe finds, each with the element. Colours depend on the theme alone, and take it as long as all else; of what a language can
 * break, `names` are what can be missing.
 */
export type Look = 'all' | 'colours' | 'no colours' | 'names'

/**
 * In the page itself, where axe is put once: putting it there takes a third of the time of a look. No page here has frames, and
 * nothing is asked for but what is not in order.
 */
export async function violationsOf(page: Page, look: Look = 'all'): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe.source)
  return page.evaluate(
    async (options) => {
      const { violations } = await (window as unknown as { axe: typeof axe }).axe.run(document, options)
      return violations.flatMap(({ id, nodes }) =>
        nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
      )
    },
    { ...common, ...lookOptions[look] },
  )
}

/** Without `preload` no style sheet is fetched again. */
const common: RunOptions = { resultTypes: ['violations'], preload: false, elementRef: false }
const contrast = 'color-contrast'
/** Names of buttons, links, images and fields, what is announced, and the language that the page says it is in. */
const nameTags = ['cat.name-role-value', 'cat.text-alternatives', 'cat.forms', 'cat.aria', 'cat.language']
const lookOptions: Record<Look, RunOptions> = {
  all: {},
  colours: { runOnly: { type: 'rule', values: [contrast] } },
  'no colours': { rules: { [contrast]: { enabled: false } } },
  names: { runOnly: { type: 'tag', values: nameTags } },
}
