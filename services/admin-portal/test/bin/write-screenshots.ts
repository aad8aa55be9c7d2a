// Writes a picture of every page, light and dark, wide and narrow: `npm run screenshots [-- FOLDER]` (default: a folder here that
// git does not know; the README's two are copied from it by hand).

import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { openBrowser, visit, type VisitOptions } from '../support/browser.ts'
import { startInstallation } from '../support/installation.ts'
import { fillWithSamples } from '../support/sample-data.ts'

const folder = resolve(process.argv[2] ?? resolve(import.meta.dirname, '../../screenshots'))

const forms: [name: string, options: VisitOptions][] = [
  ['light', { theme: 'light' }],
  ['dark', { theme: 'dark' }],
  ['narrow', { theme: 'light', width: 390, height: 844 }],
  ['zh', { locale: 'zh-CN' }],
  ['ja', { locale: 'ja-JP' }],
]

await mkdir(folder, { recursive: true })
await using installation = await startInstallation()
const { group, aggregate, task } = await fillWithSamples(installation)
const newest = (await installation.api('GET /api/v1/logs', { query: { limit: 100 } })).data.items
const retried = newest.find(({ attempt_count: count }) => count > 1) ?? newest[0]!
const coolingKey = (
  await installation.api('GET /api/v1/groups/{id}/keys', {
    params: { id: group },
    query: { state: ['cooling'], limit: 1 },
  })
).data.items[0]!
const { revision } = (await installation.api('GET /api/v1/policy-revisions', {})).data.items[3]!
const pages: [name: string, path: string][] = [
  ['overview', '/'],
  ['groups', '/groups/'],
  ['groups-order', '/groups/?order=true'],
  ['group-create', '/groups/?create=true'],
  ['keys', `/groups/view/?id=${group}`],
  ['keys-out', `/groups/view/?id=${group}&state=cooling,exhausted,invalid,disabled`],
  ['key', `/groups/view/?id=${group}&key=${coolingKey.id}`],
  ['keys-import', `/groups/view/?id=${group}&add=true`],
  ['upstreams', `/groups/view/?id=${group}&tab=upstreams`],
  ['members', `/groups/view/?id=${aggregate}`],
  ['rules', `/groups/view/?id=${group}&tab=rules`],
  ['connect', `/groups/view/?id=${group}&tab=connect`],
  ['group-settings', `/groups/view/?id=${group}&tab=settings`],
  ['group-details', `/groups/view/?id=${group}&tab=details`],
  ['access-keys', '/access-keys/'],
  ['access-key-create', '/access-keys/?create=true'],
  ['group-explain', `/groups/view/?id=${group}&tab=explain`],
  ['requests', '/logs/'],
  ['request', `/logs/?request=${retried.request_id}`],
  ['request-explained', `/logs/?request=${retried.request_id}&explain=true`],
  ['usage', '/usage/?by=model'],
  ['usage-keys', '/usage/?by=key'],
  ['prices', '/prices/'],
  ['price-add', '/prices/?create=true'],
  ['revisions', '/revisions/'],
  ['revision-rollback', `/revisions/?to=${revision}`],
  ['tasks', '/tasks/'],
  ['task', `/tasks/?task=${task}`],
  ['edges', '/edges/'],
  ['tokens', '/tokens/'],
  ['token-create', '/tokens/?create=true'],
  ['system', '/system/'],
  ['audit', '/audit/'],
  ['settings', '/settings/'],
  ['not-found', '/nowhere/'],
]
await using browser = await openBrowser()
for (const [form, options] of forms) {
  const page = await visit(browser, installation.url, options)
  for (const [name, path] of pages) {
    await page.goto(installation.url + path)
    // Lists that are read again and again are never idle for long.
    await page.waitForLoadState('networkidle', { timeout: 2_000 }).catch(() => undefined)
    await page.screenshot({ path: join(folder, `${name}-${form}.png`), animations: 'disabled' })
  }
  await page.context().close()
  const signIn = await visit(browser, installation.url, { ...options, isSignedIn: false })
  await signIn.locator('input[type=password]').waitFor()
  await signIn.screenshot({ path: join(folder, `sign-in-${form}.png`), animations: 'disabled' })
  await signIn.context().close()
}
process.stdout.write(`screenshots are in ${folder}\n`)
