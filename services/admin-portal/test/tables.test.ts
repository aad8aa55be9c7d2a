import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '@gpt-load/testkit/until'
import type { Locator } from 'playwright-core'
import { violationsOf } from './support/browser.ts'
import { addGroup, callModel, untilLogged } from './support/installation.ts'
import { openPortal } from './support/portal.ts'

const portal = openPortal()
const { at } = portal

const headersOf = (table: Locator): Promise<string[]> => table.getByRole('columnheader').allInnerTexts()

test('columns are shown and hidden per table, remembered in this browser, and put back', async () => {
  const id = await addGroup(portal.installation, 'arranged', ['sk-arranged-0123456789'])
  await at(`/groups/view/?id=${id}`, async (page) => {
    const table = page.getByRole('region', { name: 'Keys' })
    await table.getByRole('row').nth(1).waitFor()
    const before = await headersOf(table)
    assert.ok(before.includes('Failures') && !before.includes('Weight'), before.join())
    await page.getByRole('button', { name: 'Columns' }).click()
    const menu = page.getByRole('menu')
    // What a row is about and what can be done with it cannot be hidden.
    assert.deepEqual(await menu.getByRole('menuitemcheckbox', { name: 'Key', exact: true }).count(), 0)
    await menu.getByRole('menuitemcheckbox', { name: 'Failures' }).click()
    await menu.getByRole('menuitemcheckbox', { name: 'Weight' }).click()
    await page.keyboard.press('Escape')
    await menu.waitFor({ state: 'detached' })
    const changed = await headersOf(table)
    assert.ok(!changed.includes('Failures') && changed.includes('Weight'), changed.join())
    assert.equal(await table.getByRole('row').nth(1).getByRole('cell').count(), changed.length)
    await page.reload()
    await table.getByRole('row').nth(1).waitFor()
    assert.deepEqual(await headersOf(table), changed)
    await page.goto(`${portal.installation.url}/groups/`)
    const groups = page.getByRole('region', { name: 'Groups' })
    await groups.getByRole('row').nth(1).waitFor()
    assert.ok(!(await headersOf(groups)).includes('Upstreams'))
    await page.goBack()
    await page.getByRole('button', { name: 'Columns' }).click()
    await page.getByRole('menuitem', { name: 'As they were' }).click()
    await until(async () => (await headersOf(table)).join() === before.join(), { what: 'the first columns' })
  })
})

test('a list that cannot be read says so with the request id, and is read at another try', async () => {
  await addGroup(portal.installation, 'readable', ['sk-readable-0123456789'])
  for (const [path, label, operation] of [
    ['/groups/', 'Groups', '**/api/v1/groups?*'],
    ['/access-keys/', 'Access keys', '**/api/v1/access-keys?*'],
    ['/prices/', 'Prices', '**/api/v1/prices'],
    ['/revisions/', 'Revisions', '**/api/v1/policy-revisions*'],
    ['/audit/', 'Audit', '**/api/v1/audit*'],
    ['/edges/', 'Edges', '**/api/v1/edges'],
  ] as const)
    await at('/system/', async (page) => {
      const requestId = '0190f2a0-0000-7000-8000-000000000001'
      await page.route(operation, (route) =>
        route.fulfill({
          status: 400,
          contentType: 'application/problem+json',
          body: JSON.stringify({
            type: 'about:blank',
            title: 'Wrong',
            status: 400,
            code: 'validation_failed',
            detail: 'Not now.',
            request_id: requestId,
          }),
        }),
      )
      await page.goto(portal.installation.url + path)
      const alert = page.getByRole('main').getByRole('alert')
      await alert.getByText(`Request ${requestId}`).waitFor()
      assert.deepEqual(await violationsOf(page), [])
      await page.unroute(operation)
      // Some lists are read again by themselves: a click that waits for the button to stand still may find it gone.
      await alert.getByRole('button', { name: 'Try again' }).dispatchEvent('click')
      await page.getByRole('region', { name: label }).getByRole('row').nth(1).waitFor()
      // The browser's own lines about the 400.
      page.problems.splice(0)
    })
})

test('with Shift everything since the last tick is chosen, and taken back', async () => {
  const keys = Array.from({ length: 12 }, (_, number) => `sk-range-${String(number).padStart(4, '0')}`)
  const id = await addGroup(portal.installation, 'ranges', keys)
  await at(`/groups/view/?id=${id}`, async (page) => {
    const ticks = page.getByRole('checkbox', { name: /^Choose sk/ })
    const bar = page.getByRole('region', { name: 'Chosen keys' })
    await ticks.nth(2).click()
    await ticks.nth(7).click({ modifiers: ['Shift'] })
    await bar.getByText('6 chosen').waitFor()
    assert.equal(
      await page.getByRole('checkbox', { name: 'Choose all that are loaded' }).getAttribute('aria-checked'),
      'mixed',
    )
    await ticks.nth(5).click({ modifiers: ['Shift'] })
    await bar.getByText('3 chosen').waitFor()
    await page.getByRole('checkbox', { name: 'Choose all that are loaded' }).click()
    await bar.getByText('12 chosen').waitFor()
    await page.getByRole('checkbox', { name: 'Choose all that are loaded' }).click()
    await bar.waitFor({ state: 'detached' })
  })
})

test('a click on a column orders the list where the server can, and the URL keeps it', async () => {
  await addGroup(portal.installation, 'ordered', ['sk-ordered-0123456789'])
  for (const model of ['first-model', 'second-model', 'third-model', 'third-model'])
    assert.equal((await callModel(portal.installation, 'ordered', model)).status, 200)
  await untilLogged(portal.installation, 4)
  await at('/logs/?live=false', async (page) => {
    const table = page.getByRole('region', { name: 'Requests' })
    const models = async () => (await table.getByText(/^(first|second|third)-model$/).allInnerTexts()).join()
    await until(async () => (await models()) === 'third-model,third-model,second-model,first-model', {
      what: 'newest first',
    })
    const time = table.getByRole('columnheader', { name: 'Time' })
    assert.equal(await time.getAttribute('aria-sort'), 'descending')
    await time.getByRole('button').click()
    await until(async () => (await models()) === 'first-model,second-model,third-model,third-model', {
      what: 'oldest first',
    })
    await page.waitForURL(/order=oldest/)
    await page.reload()
    await until(async () => (await time.getAttribute('aria-sort')) === 'ascending', { what: 'the order of the URL' })
    assert.equal(await table.getByRole('columnheader', { name: 'Status' }).getByRole('button').count(), 0)
    await page.goto(`${portal.installation.url}/usage/?by=model`)
    const usage = page.getByRole('region', { name: 'Usage' })
    await usage.getByRole('row').nth(3).waitFor()
    assert.ok((await usage.getByRole('row').nth(1).innerText()).includes('third-model'))
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.url().includes('order=tokens')),
      usage.getByRole('columnheader', { name: 'Tokens' }).getByRole('button').click(),
    ])
    assert.equal(answer.status(), 200)
    await page.waitForURL(/order=tokens/)
  })
})
