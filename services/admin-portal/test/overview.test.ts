import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '@gpt-load/testkit/until'
import { visit } from './support/browser.ts'
import { addGroup, callModel, untilLogged } from './support/installation.ts'
import { openPortal } from './support/portal.ts'

const portal = openPortal()

test('requests over time: drawn, summed up in words, listed in a table, narrowed to a group, and kept in the URL', async () => {
  const served = await addGroup(portal.installation, 'served', ['sk-served-0123456789'])
  const other = await addGroup(portal.installation, 'other', ['sk-other-0123456789'])
  const empty = await addGroup(portal.installation, 'empty', [])
  for (const group of ['served', 'served', 'other', 'empty']) await callModel(portal.installation, group)
  await untilLogged(portal.installation, 4)
  const totals = async () => {
    const { points } = (await portal.installation.api('GET /api/v1/stats/series', {})).data
    return points.reduce((sum, { requests }) => sum + requests, 0)
  }
  await until(async () => (await totals()) === 4, { what: 'the sums', timeoutMs: 15_000 })
  const page = await visit(portal.browser, `${portal.installation.url}/`)
  const chart = page.getByRole('img', { name: /^Requests: 4, failed: 1 \(25%\)/ })
  await chart.waitFor()
  assert.ok(await hasPaint(), 'the canvas is empty')
  // What is under the pointer is said in words.
  const box = (await chart.locator('.u-over').boundingBox())!
  await page.mouse.move(box.x + box.width - 4, box.y + box.height / 2)
  await page.getByRole('figure').getByText('Requests4').waitFor()
  await page.getByLabel('View').selectOption('Table')
  const row = page.getByRole('region', { name: 'Over time' }).getByRole('row').nth(1)
  await row.waitFor()
  assert.deepEqual((await row.getByRole('cell').allInnerTexts()).slice(1, 3), ['4', '1'])
  await page.getByLabel('Group', { exact: true }).selectOption('served')
  await until(async () => (await row.getByRole('cell').nth(1).innerText()) === '2', { what: 'the sums of one group' })
  await page.getByLabel('Period', { exact: true }).selectOption('Last 7 days')
  await page.waitForURL(new RegExp(`group=${served}`))
  await page.waitForURL(/range=7d/)
  await page.reload()
  await row.waitFor()
  assert.equal(await row.getByRole('cell').nth(1).innerText(), '2')
  assert.match(page.url(), /range=7d/)
  assert.match(page.url(), /view=table/)
  assert.deepEqual(page.problems, [])
  assert.ok(other > 0 && empty > 0)
  await page.context().close()

  async function hasPaint(): Promise<boolean> {
    return chart.locator('canvas').evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
      return data.some((value, index) => index % 4 === 3 && value > 0)
    })
  }
})

test('what somebody should look at is said on the overview until it is put away', async () => {
  const page = await visit(portal.browser, `${portal.installation.url}/`)
  const notice = page.getByRole('region', { name: 'To look at' })
  await notice.getByText('AUTH_KEY is weak').waitFor()
  await notice.getByRole('button', { name: /Do not show again here/ }).click()
  await notice.waitFor({ state: 'detached' })
  await page.reload()
  await page.getByRole('heading', { name: 'Latest requests' }).waitFor()
  assert.equal(await notice.count(), 0)
  assert.deepEqual(page.problems, [])
  await page.context().close()
})
