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
