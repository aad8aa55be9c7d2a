import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '@gpt-load/testkit/until'
import { violationsOf } from './support/browser.ts'
import { addGroup, callModel, untilLogged } from './support/installation.ts'
import { openPortal } from './support/portal.ts'

const portal = openPortal()
const { at } = portal

test('an edge explains a request: verdict, keys by reason out, upstream, headers after rules, retries; and sends nothing', async () => {
  const keys = ['sk-limited-0123456789', 'sk-refused-0123456789', 'sk-good-0123456789', 'sk-fine-0123456789']
  const id = await addGroup(portal.installation, 'explained', keys)
  const { api, provider } = portal.installation
  const { revision } = (await api('GET /api/v1/groups/{id}', { params: { id } })).data
  await api('PATCH /api/v1/groups/{id}', {
    params: { id },
    revision,
    body: {
      header_rules: [{ key: 'x-team', value: 'of ${GROUP_NAME}', action: 'set' }],
      model_redirects: { fast: 'gpt-4.1-nano' },
      settings: { max_retries: 2 },
    },
  })
  const { items } = (await api('GET /api/v1/groups/{id}/keys', { params: { id } })).data
  const [first, second] = items
  await api('POST /api/v1/keys/{id}/disable', { params: { id: first!.id }, revision: first!.revision, body: {} })
  await api('POST /api/v1/keys/{id}/disable', { params: { id: second!.id }, revision: second!.revision, body: {} })
  const sent = provider.requests.length
  await at(`/groups/view/?id=${id}&tab=explain`, async (page) => {
    await page.getByLabel('Body').fill('{"model": "fast", "messages": []')
    await page.getByText('Not a JSON object').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Explain', exact: true }).isDisabled(), true)
    await page.getByLabel('Body').fill('{"model": "fast", "messages": []}')
    await page.getByLabel('Headers').fill('x-caller: me')
    await page.getByRole('button', { name: 'Explain', exact: true }).click()
    await page.getByRole('region', { name: 'Verdict' }).getByText('It would be tried').waitFor()
    const candidate = page.getByRole('region', { name: 'explained', exact: true })
    await candidate.getByText('Keys: 4').waitFor()
    assert.deepEqual(await candidate.locator('dt').allInnerTexts(), ['usable now', 'disabled'])
    assert.deepEqual(await candidate.locator('dd').allInnerTexts(), ['2', '2'])
    const request = await page.getByLabel('Request as the upstream would get it').innerText()
    assert.match(request, new RegExp(`^POST ${provider.url}/v1/chat/completions\n`))
    assert.match(request, /^x-team: of explained$/m)
    assert.match(request, /^x-caller: me$/m)
    assert.ok(!keys.some((key) => request.includes(key)), request)
    await page.getByText('rewritten by rules').waitFor()
    const status = page.locator('summary').filter({ hasText: '429' })
    await status.getByText('Attempts in all: 2').waitFor()
    await status.click()
    assert.equal(await page.locator('details[open] li').count(), 2)
    assert.deepEqual(await violationsOf(page), [])
    // A caller's key that does not open the group.
    const { data: key } = await api('POST /api/v1/access-keys', { body: { name: 'elsewhere', group_ids: [] } })
    await page.reload()
    await page.getByLabel('Access key').selectOption(String(key.id))
    await page.getByRole('button', { name: 'Explain', exact: true }).click()
    await page.getByText('It would be refused: 403 FORBIDDEN').waitFor()
  })
  assert.equal(provider.requests.length, sent)
})

test('a logged request is explained as if it came now, in its drawer and by its URL', async () => {
  const id = await addGroup(portal.installation, 'logged', ['sk-logged-0123456789'])
  assert.equal((await callModel(portal.installation, 'logged', 'some-model')).status, 200)
  await untilLogged(portal.installation, 1)
  const log = await until(
    async () => (await portal.installation.api('GET /api/v1/logs', { query: { group_id: id } })).data.items[0],
    { what: 'the record' },
  )
  await at(`/logs/?request=${log.request_id}`, async (page) => {
    const drawer = page.getByRole('dialog')
    await drawer.getByRole('button', { name: 'Explain', exact: true }).click()
    await page.waitForURL(/explain=true/)
    await drawer.getByText('It would be tried').waitFor()
    await drawer.getByText('some-model').first().waitFor()
    await drawer.getByText('tests', { exact: true }).waitFor()
    assert.deepEqual(await violationsOf(page), [])
    await page.reload()
    await drawer.getByText('It would be tried').waitFor()
    await drawer.getByRole('button', { name: 'Back to the request' }).click()
    await drawer.getByRole('heading', { name: 'Attempts' }).waitFor()
  })
})
