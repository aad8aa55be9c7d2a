import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '@gpt-load/testkit/until'
import type { Locator, Page } from 'playwright-core'
import { addGroup, callModel, untilLogged } from './support/installation.ts'
import { fillLog, requestId } from './support/many-logs.ts'
import { drag, openPortal } from './support/portal.ts'

/** The page of requests over a log of a million (`npm run soak`), of a tenth of it in `npm test`. */
const rows = process.env['GPTLOAD_TEST_LONG'] === '1' ? 1_000_000 : 100_000
/** A frame that takes longer is a page that hangs, also on a machine that is busy with other tests. */
const maxFrameMs = 1_000
const patienceMs = 60_000

const portal = openPortal()

test(`${rows.toLocaleString('en')} requests: scrolled smoothly, filtered, searched to the end, and narrowed by a drag`, async (context) => {
  await addGroup(portal.installation, 'busy', ['sk-busy-0123456789'])
  assert.equal((await callModel(portal.installation, 'busy')).status, 200)
  await untilLogged(portal.installation, 1)
  const { rareModel, rare, fromMs, endMs } = await fillLog(portal.installation, rows)

  await portal.at('/logs/?live=false', async (page) => {
    const table = page.getByRole('region', { name: 'Requests' })
    const openedMs = performance.now()
    await table.getByRole('row').nth(20).waitFor({ timeout: patienceMs })
    context.diagnostic(`the first rows after ${Math.round(performance.now() - openedMs)} ms`)
    // All of them are in the histogram, which no row is counted for.
    const chart = page.getByRole('img', { name: new RegExp(`^Requests: ${(rows + 1).toLocaleString('en')},`) })
    await chart.waitFor()

    const longest = await longestFrameWhile(page, async () => {
      for (let position = 1; position <= 15; position += 1)
        await until(
          async () => {
            await table.evaluate((element, row) => element.scrollTo(0, row * 44), position * 100)
            return page.locator(`tr[aria-rowindex="${position * 100 + 3}"]`).isVisible()
          },
          { what: `row ${position * 100}`, timeoutMs: patienceMs, intervalMs: 25 },
        )
    })
    context.diagnostic(`the longest frame took ${Math.round(longest)} ms`)
    assert.ok(longest < maxFrameMs, `a frame took ${longest} ms`)
    assert.ok((await page.locator('tbody tr').count()) < 80)

    // By an index.
    await page.goto(`${portal.installation.url}/logs/?live=false&failed=true`)
    await table.getByText('503').nth(15).waitFor({ timeout: patienceMs })
    assert.equal(await table.getByText('200', { exact: true }).count(), 0)
    await page.getByLabel('Request id').fill(requestId(rows - 1))
    await page.getByText('Nothing found').waitFor({ timeout: patienceMs })
    await page.getByRole('button', { name: 'Remove filter Failed' }).click()
    await until(async () => (await table.getByRole('row').count()) === 2, { what: 'the one request' })

    // By a scan: the oldest ones are found without anybody asking again.
    await page.goto(`${portal.installation.url}/logs/?live=false&model=${rareModel}`)
    await until(async () => (await table.getByText(rareModel).count()) === rare, {
      what: 'the rare ones',
      timeoutMs: patienceMs,
    })
    await page.getByText(/^Searched as far as/).waitFor({ state: 'detached', timeout: patienceMs })
    await page.getByRole('button', { name: 'Remove filter Model' }).click()

    await chart.waitFor({ timeout: patienceMs })
    await drag(chart, 0.4, 0.5)
    await page.waitForURL(/from=.*&to=/)
    const range = new URL(page.url()).searchParams
    const [from, to] = [Date.parse(range.get('from') ?? ''), Date.parse(range.get('to') ?? '')]
    assert.ok(from > fromMs && to < endMs && to > from, `${range}`)
    await page.getByRole('button', { name: 'Clear this range' }).waitFor()
    await until(
      async () => {
        const times = await timesOf(table)
        return times.length > 15 && times.every((at) => at >= from && at < to)
      },
      { what: 'the requests of the range', timeoutMs: patienceMs },
    )
  })
})

/** Milliseconds of the longest gap between two frames meanwhile. */
async function longestFrameWhile(page: Page, work: () => Promise<void>): Promise<number> {
  await page.evaluate(() => {
    const watched = window as unknown as { longestFrame: number }
    watched.longestFrame = 0
    let last = performance.now()
    const watch = (now: number): void => {
      watched.longestFrame = Math.max(watched.longestFrame, now - last)
      last = now
      requestAnimationFrame(watch)
    }
    requestAnimationFrame(watch)
  })
  await work()
  return page.evaluate(() => (window as unknown as { longestFrame: number }).longestFrame)
}

/** The buttons of the rows name their times in full, in UTC at the end. */
async function timesOf(table: Locator): Promise<number[]> {
  const titles = await table
    .getByRole('button')
    .evaluateAll((buttons) => buttons.map((button) => button.getAttribute('title') ?? ''))
  return titles
    .map((title) => title.split('\n')[1])
    .filter((utc) => utc !== undefined)
    .map((utc) => Date.parse(utc))
}
