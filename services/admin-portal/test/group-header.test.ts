import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { visit } from './support/browser.ts'
import { addGroup, callModel } from './support/installation.ts'
import { openPortal } from './support/portal.ts'

const portal = openPortal()

test("a group's page says what its keys burn, and when they run dry", async () => {
  const secret = 'sk-finite-0123456789'
  portal.installation.provider.limitKey(secret, { requests: 500, windowMs: 3_600_000 })
  const group = await addGroup(portal.installation, 'finite', [secret])
  let isDone = false
  const traffic = (async () => {
    while (!isDone) {
      await (await callModel(portal.installation, 'finite')).arrayBuffer()
      await delay(100)
    }
  })()
  try {
    const page = await visit(portal.browser, `${portal.installation.url}/groups/view/?id=${group}`)
    const line = page.getByLabel('Capacity')
    await line
      .getByText(/Runs dry at \d\d:\d\d · relief at \d\d:\d\d · more keys needed: [\d,]+/)
      .waitFor({ timeout: 45_000 })
    assert.match(
      await line.innerText(),
      /[\d,]+ requests\/min, [\d.]+K? tokens\/min · 0 requests\/min more are possible/,
    )
    assert.deepEqual(page.problems, [])
    await page.context().close()
  } finally {
    isDone = true
    await traffic
  }
})

test('an observed rule says what it would have done, and is put in force by a click', async () => {
  const { installation } = portal
  const secret = 'sk-observed-0123456789'
  installation.provider.limitKey(secret, { requests: 1, windowMs: 3_600_000 })
  const group = await addGroup(installation, 'observed', [secret], {
    error_rules: 'observe 429 -> invalidate',
    learn_key_quotas: false,
  })
  for (let n = 0; n < 2; n += 1) await (await callModel(installation, 'observed')).arrayBuffer()
  const page = await visit(portal.browser, `${installation.url}/groups/view/?id=${group}`)
  const rules = page.getByLabel('Observed rules')
  await rules.getByText(/^matched: [1-9]\d* · would have decided otherwise: [1-9]/).waitFor({ timeout: 45_000 })
  await rules.getByRole('button', { name: 'Put in force' }).click()
  await page.getByText('The rule is in force').waitFor()
  const { data } = await installation.api('GET /api/v1/groups/{id}', { params: { id: group } })
  assert.equal(data.settings['error_rules'], '429 -> invalidate')
  assert.deepEqual(page.problems, [])
  await page.context().close()
})
