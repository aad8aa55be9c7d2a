import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { until } from '@gpt-load/testkit/until'
import type { Locator, Page } from 'playwright-core'
import { violationsOf, visit } from './support/browser.ts'
import { addGroup, callModel, untilLogged } from './support/installation.ts'
import { drag, openPortal } from './support/portal.ts'

const portal = openPortal()
let total = 0

async function call(group: string, model: string, times: number): Promise<void> {
  for (let index = 0; index < times; index += 1) await callModel(portal.installation, group, model)
  total += times
  await untilLogged(portal.installation, total)
}

/** Sums are committed with the rows, so what is logged is counted. */
test('the overview shows errors by cause, latency and cost, compares with the period before, and a drag leads to the logs', async () => {
  await addGroup(portal.installation, 'served', ['sk-served-0123456789'])
  await addGroup(portal.installation, 'empty', [])
  await call('served', 'gpt-4o-2024-08-06', 3)
  await call('served', 'model-without-price', 2)
  await call('empty', 'gpt-4o', 1)
  await portal.at('/?range=1h', async (page) => {
    const sums = page.getByLabel('Sums of the period')
    await sums.getByText('Requests').waitFor()
    await until(async () => (await sums.innerText()).includes('6'), { what: 'the sum of requests' })
    await page.getByRole('switch', { name: 'Compare with the period before' }).click()
    await sums.getByText('nothing before').first().waitFor()
    await page.waitForURL(/compare=true/)
    await page.getByLabel('Metric').selectOption('Errors by cause')
    await page.getByRole('img', { name: /^1 failed, most of them: .* \(100%\)/ }).waitFor()
    await page.getByLabel('Metric').selectOption('Duration')
    await page.getByRole('img', { name: /^Slowest at .*: half of the requests within/ }).waitFor()
    await page.getByLabel('View').selectOption('Table')
    const table = page.getByRole('region', { name: 'Over time' })
    await table.getByRole('columnheader', { name: 'p95' }).waitFor()
    await page.getByLabel('View').selectOption('Chart')
    await page.getByLabel('Metric').selectOption('Cost')
    await page.getByRole('img', { name: /^\$0\.\d+ in all/ }).waitFor()
    await page.getByLabel('Metric').selectOption('Requests')
    const chart = page.getByRole('img', { name: /^Requests: 6, failed: 1/ })
    await drag(chart, 0.5, 0.995)
    await page.waitForURL(/\/logs\/\?from=.*&to=/)
    await rowsOf(page.getByRole('region', { name: 'Requests' }), 6)
  })
})

/** What is late, and who waits for it below. */
const lateParts = {
  'the chart of the logs': { path: '/logs/?live=false', late: '**/stats/series**', below: 'Requests' },
  'the chart of the overview': { path: '/', late: '**/stats/series**', below: 'Latest requests' },
  'warnings of the overview': { path: '/', late: '**/api/v1/system', below: 'Latest requests' },
} as const

for (const [what, { path, late, below }] of Object.entries(lateParts))
  test(`nothing moves under the pointer when something above comes late: ${what}`, async () => {
    const page = await visit(portal.browser, `${portal.installation.url}/audit/`)
    let isThere = false
    await page.route(late, async (route) => {
      await page.waitForTimeout(700)
      await route.continue()
      isThere = true
    })
    await page.goto(portal.installation.url + path)
    const table = page.getByRole('region', { name: below }).getByRole('table')
    await table.waitFor()
    const before = await table.boundingBox()
    await until(() => isThere, { what: 'the late answer' })
    await page.locator('canvas').waitFor()
    await page.waitForLoadState('networkidle')
    assert.deepEqual(await table.boundingBox(), before)
    await page.context().close()
  })

test('the usage page ranks, prices and links; what has no price says so; it is taken away as CSV', async () => {
  await portal.at('/usage/?by=model', async (page) => {
    const table = page.getByRole('region', { name: 'Usage' })
    const priced = table.getByRole('row', { name: /gpt-4o-2024-08-06/ })
    await priced.getByText(/\$0\.0/).waitFor()
    await table.getByRole('row', { name: /model-without-price.*no price/ }).waitFor()
    const download = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Export CSV' }).click()
    const text = await readFile(await (await download).path(), 'utf8')
    assert.match(text, /^at,model,name,requests,.*\r\n/)
    assert.match(text, /,model-without-price,,2,0,/)
    await page.getByLabel('By').selectOption('Group')
    const link = table.getByRole('link', { name: 'served' })
    await link.click()
    await page.waitForURL(/\/logs\/\?.*group=/)
    await rowsOf(page.getByRole('region', { name: 'Requests' }), 5)
  })
})

test('figures are narrowed to a model, and keys are ranked by requests and failures', async () => {
  await portal.at('/?range=1h', async (page) => {
    const sums = page.getByLabel('Sums of the period')
    await until(async () => (await sums.innerText()).includes('6'), { what: 'the sum of requests' })
    await page.getByLabel('Model', { exact: true }).selectOption('model-without-price')
    await until(async () => (await sums.locator('dd').first().innerText()) === '2', { what: 'the sum of one model' })
    await page.waitForURL(/model=model-without-price/)
    await page.goto(`${portal.installation.url}/usage/?by=group`)
    const table = page.getByRole('region', { name: 'Usage' })
    await page.getByLabel('Model', { exact: true }).selectOption('gpt-4o')
    await table.getByRole('link', { name: 'empty' }).waitFor()
    await rowsOf(table, 1)
    await page.goto(`${portal.installation.url}/usage/?by=key&range=30d`)
    await page.getByText('Keys are summed up for a week at a time').waitFor()
    const row = table.getByRole('row').nth(1)
    await row.getByText('served').waitFor()
    assert.deepEqual((await row.getByRole('cell').allInnerTexts()).slice(2, 4), ['5', '0 (0%)'])
    await table.getByRole('columnheader', { name: 'Failed' }).getByRole('button').click()
    await page.waitForURL(/order=failures/)
    await row.getByRole('link').click()
    await page.waitForURL(/\/groups\/view\/.*key=\d+/)
    await page.getByRole('dialog').waitFor()
  })
})

test('a price of our own replaces the shipped one of its model from its day on, prices what had none, and is deleted by name', async () => {
  await portal.at('/prices/', async (page) => {
    const table = page.getByRole('region', { name: 'Prices' })
    await page.getByLabel('Search model').fill('gpt-4o-mini')
    const shipped = table.getByRole('row', { name: /gpt-4o-mini.*shipped, \d{4}-\d{2}-\d{2}/ })
    await shipped.getByText('in force').waitFor()
    assert.equal(await shipped.getByRole('button').count(), 0, 'what is shipped cannot be deleted')
    await page
      .getByText(/^Shipped prices are those of/)
      .getByRole('link')
      .first()
      .waitFor()
    const add = async (model: string, from: string, input: string, output: string): Promise<void> => {
      await page.getByRole('button', { name: 'Add price' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('Model').fill(model)
      await dialog.getByLabel('From').fill(from)
      await dialog.getByLabel('Input', { exact: true }).fill(input)
      await dialog.getByLabel('Output').fill(output)
      await dialog.getByRole('button', { name: 'Add price' }).click()
    }
    await add('gpt-4o-mini', '2025-01-01', 'much', '2')
    await page.getByRole('dialog').getByText('A number from 0 to 100,000').waitFor()
    await page.getByRole('dialog').getByLabel('Input', { exact: true }).fill('0.125')
    await page.getByRole('dialog').getByRole('button', { name: 'Add price' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await shipped.getByText('replaced by own prices').waitFor()
    const own = table.getByRole('row', { name: /2025-01-01/ })
    await own.getByText('$0.125').waitFor()
    await own.getByText('in force').waitFor()
    await add('gpt-4o-mini', '2025-01-01', '1', '2')
    await page.getByRole('dialog').getByText('has a price already').waitFor()
    page.problems.splice(0)
    await page.keyboard.press('Escape')
    await own.getByRole('button', { name: 'Delete the price of gpt-4o-mini from 2025-01-01' }).click()
    const confirm = page.getByRole('dialog')
    await confirm.getByRole('textbox').fill('gpt-4o-mini')
    await confirm.getByRole('button', { name: 'Delete price' }).click()
    await own.waitFor({ state: 'detached' })
    await shipped.getByText('in force').waitFor()
    await add('model-without-price', '2025-01-01', '1000', '1000')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.goto(`${portal.installation.url}/usage/?by=model`)
    await page.getByRole('row', { name: /model-without-price.*\$0\.\d/ }).waitFor()
  })
})

test('filters are pills in the URL, each is taken off by itself, and a search goes on to its end by itself', async () => {
  await portal.at('/logs/?live=false', async (page) => {
    const table = page.getByRole('region', { name: 'Requests' })
    await rowsOf(table, 6)
    await page.getByRole('button', { name: 'Add filter' }).click()
    await page.getByLabel('Filter', { exact: true }).selectOption('Model')
    assert.deepEqual(await violationsOf(page), [])
    await page.getByLabel('Value').fill('model-without-price')
    await page.getByRole('button', { name: 'Apply' }).click()
    await rowsOf(table, 2)
    await page.waitForURL(/model=model-without-price/)
    await page.getByRole('button', { name: 'Add filter' }).click()
    await page.getByLabel('Filter', { exact: true }).selectOption('Failed')
    await page.getByRole('button', { name: 'Apply' }).click()
    await page.getByText('Nothing found').waitFor()
    await page.getByRole('button', { name: 'Remove filter Model' }).click()
    await rowsOf(table, 1)
    await page.reload()
    await rowsOf(table, 1)
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export' }).click()
    await page.getByRole('menuitem', { name: 'JSON Lines' }).click()
    const lines = (await readFile(await (await download).path(), 'utf8')).trim().split('\n')
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).group_name),
      ['empty'],
    )
    await page.goBack()
    await page.getByText('Nothing found').waitFor()
  })
})

test('the tail shows requests as they come, until it is paused', async () => {
  await portal.at('/logs/', async (page) => {
    const table = page.getByRole('region', { name: 'Requests' })
    await rowsOf(table, total)
    await until(
      async () => {
        await call('served', 'tailed', 1)
        return (await table.getByText('tailed').count()) > 0
      },
      { what: 'a request of the tail', timeoutMs: 20_000 },
    )
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.waitForURL(/live=false/)
    const shown = await table.getByText('tailed').count()
    await call('served', 'tailed', 1)
    assert.equal(await table.getByText('tailed').count(), shown)
  })
})

test('recorded bodies are shown on demand, redacted, and who did not record any is told so', async () => {
  const { api } = portal.installation
  await addGroup(portal.installation, 'recorded', ['sk-recorded-0123456789'], {
    enable_request_body_logging: true,
    content_redaction_rules: '/deterministic/i',
    enable_response_body_logging: true,
  })
  await call('recorded', 'gpt-4o', 1)
  const [log] = (await api('GET /api/v1/logs', { query: { limit: 1 } })).data.items
  const params = { request_id: log!.request_id }
  const read = async () => (await api('GET /api/v1/logs/{request_id}/content', { params })).data
  await until(async () => (await read()).response !== null, { what: 'the recorded bodies' })
  const reads = async () => (await api('GET /api/v1/audit', { query: { entity: 'log' } })).data.items
  assert.equal((await reads()).length, 1)
  const show = async (page: Page, group: string) => {
    const row = page.getByRole('region', { name: 'Requests' }).getByRole('row', { name: group }).first()
    await row.getByRole('button').click()
    const sheet = page.getByRole('dialog', { name: 'Request' })
    await sheet.getByRole('button', { name: 'Show content' }).click()
    return sheet
  }
  await portal.at('/logs/?live=false', async (page) => {
    const sheet = await show(page, 'recorded')
    await sheet.getByText('"model": "gpt-4o"').first().waitFor()
    await sheet.getByText('This is a [redacted] answer').waitFor()
    assert.deepEqual(
      (await reads()).map(({ action, entity_id: of }) => [action, of]),
      Array.from({ length: 2 }, () => ['log.read_content', params.request_id]),
    )
    await page.keyboard.press('Escape')
    await (await show(page, 'empty')).getByText('None were recorded').waitFor()
  })
})

async function rowsOf(table: Locator, count: number): Promise<void> {
  await until(async () => (await table.getByRole('row').count()) === count + 1, { what: `${count} rows` })
}
