import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { accessKeyLimitNames } from '@gpt-load/contracts/access-key-limits'
import { until } from '@gpt-load/testkit/until'
import { addGroup, callModel } from './support/installation.ts'
import { openPortal } from './support/portal.ts'

const portal = openPortal()
const { at } = portal

async function groupOf(id: number) {
  return (await portal.installation.api('GET /api/v1/groups/{id}', { params: { id } })).data
}

describe('the rules of a group', () => {
  test('are written row by row, and the next request follows them', async () => {
    const id = await addGroup(portal.installation, 'shaped', ['sk-shaped-0123456789'])
    await at(`/groups/view/?id=${id}&tab=rules`, async (page) => {
      await page.getByRole('button', { name: 'Add parameter' }).click()
      await page.getByLabel('Name of parameter 1').fill('temperature')
      await page.getByLabel('Value of parameter 1, as JSON').fill('0.25')
      await page.getByRole('button', { name: 'Add model' }).click()
      await page.getByLabel('Model 1, as asked for').fill('gpt-4.1*')
      await page.getByLabel('Target 1 of model 1').fill('gpt-4.1-mini')
      for (const [number, name] of ['x-second', 'x-first', 'user-agent'].entries()) {
        await page.getByRole('button', { name: 'Add header rule' }).click()
        await page.getByLabel(`Name of header ${number + 1}`).fill(name)
      }
      await page.getByLabel('Value of header 1').fill('two')
      await page.getByLabel('Value of header 2', { exact: true }).fill('group ${GROUP_NAME}')
      await page.getByLabel('Action of header 3').selectOption('Remove')
      await page.getByRole('button', { name: 'Move header rule 2 up' }).click()
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByText('Saved', { exact: true }).waitFor()
      await page.getByText('Changed, not saved yet').waitFor({ state: 'detached' })
    })
    const group = await groupOf(id)
    assert.deepEqual(group.param_overrides, { temperature: 0.25 })
    assert.deepEqual(group.model_redirects, { 'gpt-4.1*': 'gpt-4.1-mini' })
    assert.deepEqual(
      group.header_rules.map(({ key, action }) => [key, action]),
      [
        ['x-first', 'set'],
        ['x-second', 'set'],
        ['user-agent', 'remove'],
      ],
    )
    assert.equal((await callModel(portal.installation, 'shaped')).status, 200)
    const seen = portal.installation.provider.requests.at(-1)
    assert.ok(seen !== undefined)
    assert.deepEqual([seen.header('x-first'), seen.header('x-second')], ['group shaped', 'two'])
    const body = JSON.parse(seen.body.toString()) as { model: string; temperature: number }
    assert.deepEqual([body.model, body.temperature], ['gpt-4.1-mini', 0.25])
  })

  test('a stored value is masked and kept when it is left alone', async () => {
    const id = await addGroup(portal.installation, 'masked', [])
    const { revision } = await groupOf(id)
    await portal.installation.api('PATCH /api/v1/groups/{id}', {
      params: { id },
      revision,
      body: { header_rules: [{ key: 'x-token', value: 'a-secret-of-mine', action: 'set' }] },
    })
    await at(`/groups/view/?id=${id}&tab=rules`, async (page) => {
      await page.getByText('Stored values are masked').waitFor()
      assert.ok(!(await page.content()).includes('a-secret-of-mine'))
      await page.getByRole('switch', { name: 'Only these models' }).click()
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByText('Changed, not saved yet').waitFor({ state: 'detached' })
      // A mask under another name stands for nothing: the API's finding is put to its row.
      await page.getByLabel('Name of header 1').fill('x-renamed')
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByRole('alert').getByText('is a mask, but no value is stored').waitFor()
      page.problems.splice(0)
    })
    const group = await groupOf(id)
    assert.deepEqual([group.model_redirect_strict, group.header_rules[0]?.key], [true, 'x-token'])
  })

  test('what is wrong is said at its row before anything is sent', async () => {
    const id = await addGroup(portal.installation, 'wrong-rules', [])
    await at(`/groups/view/?id=${id}&tab=rules`, async (page) => {
      let sent = 0
      page.on('request', (request) => (sent += request.method() === 'PATCH' ? 1 : 0))
      for (const number of [1, 2]) {
        await page.getByRole('button', { name: 'Add parameter' }).click()
        await page.getByLabel(`Name of parameter ${number}`).fill('seed')
      }
      await page.getByLabel('Value of parameter 1, as JSON').fill('auto')
      await page.getByLabel('Value of parameter 2, as JSON').fill('1')
      await page.getByRole('button', { name: 'Add header rule' }).click()
      await page.getByLabel('Name of header 1').fill('not a name')
      await page.getByRole('button', { name: 'Add model' }).click()
      await page.getByLabel('Model 1, as asked for').fill('a')
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByText('Not JSON: text stands in quotes').waitFor()
      await page.getByText('Named twice').waitFor()
      await page.getByText('not a header name').waitFor()
      assert.equal(await page.getByLabel('Target 1 of model 1').getAttribute('aria-invalid'), 'true')
      assert.equal(sent, 0)
    })
  })

  test('a model is shared between targets by weight', async () => {
    const id = await addGroup(portal.installation, 'weighted', [])
    await at(`/groups/view/?id=${id}&tab=rules`, async (page) => {
      await page.getByRole('button', { name: 'Add model' }).click()
      await page.getByLabel('Model 1, as asked for').fill('fast')
      await page.getByLabel('Target 1 of model 1', { exact: true }).fill('small')
      await page.getByRole('button', { name: 'Add target to model 1' }).click()
      await page.getByLabel('Target 2 of model 1', { exact: true }).fill('large')
      await page.getByLabel('Weight of target 1 of model 1').fill('3')
      await page.getByText('75 %').waitFor()
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByText('Saved', { exact: true }).waitFor()
    })
    assert.deepEqual((await groupOf(id)).model_redirects, {
      fast: [
        { model: 'small', weight: 3 },
        { model: 'large', weight: 1 },
      ],
    })
  })
})

test('groups are put into order by keyboard, and every list follows', async () => {
  for (const name of ['order-a', 'order-b', 'order-c']) await addGroup(portal.installation, name, [])
  const listed = async () => (await portal.installation.api('GET /api/v1/groups', {})).data.items
  const last = (await listed()).at(-1)!
  await at('/groups/', async (page) => {
    await page.getByRole('button', { name: 'Reorder' }).click()
    const first = page.getByRole('dialog').getByRole('listitem').first()
    await first.waitFor()
    while (!(await first.innerText()).includes(last.name)) {
      await page.getByRole('button', { name: `Move ${last.name} up` }).focus()
      await page.keyboard.press('Enter')
    }
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.getByRole('row').nth(1).getByRole('link', { name: last.name }).waitFor()
  })
  const items = await listed()
  assert.equal(items[0]?.id, last.id)
  assert.ok(items.every(({ sort }, index) => index === 0 || sort > (items[index - 1]?.sort ?? 0)))
})

describe('what a configuration file manages', () => {
  const owner = 'production.yaml'
  const mark = `managed by ${owner}`
  const warning = `${owner} manages this: its next plan shows the change as drift`
  const named = { name: 'from-a-file', channel: 'openai', upstreams: [{ url: 'https://api.example.com', weight: 2 }] }
  const key = { name: 'team-of-a-file', key: 'gpl_team-of-a-file-0001', groups: ['from-a-file'] }
  const expiresAt = '2099-01-02T03:04:05.000Z'
  const full = {
    ...named,
    description: 'as in the file',
    enabled: true,
    sort: 9_000,
    param_overrides: { seed: 1 },
    settings: { max_retries: 1 },
  }
  const bodyOf = (groups: object[], accessKeys: object[] = []) =>
    ({ owner, config: { version: 1, groups, access_keys: accessKeys } }) as never
  const apply = (groups: object[], accessKeys?: object[]) =>
    portal.installation.api('POST /api/v1/config/apply', { body: bodyOf(groups, accessKeys) })
  const driftOf = async (groups: object[], accessKeys?: object[]) => {
    const { data } = await portal.installation.api('POST /api/v1/config/plan', { body: bodyOf(groups, accessKeys) })
    return data.changes.flatMap(({ name, fields }) => fields.map(({ field, after }) => [name, field, after]))
  }
  const groupNamed = async (search: string) =>
    (await portal.installation.api('GET /api/v1/groups', { query: { search } })).data.items[0]!

  test('is marked field by field, the edit of one warned about, and shown as drift by the next plan', async () => {
    await apply([full])
    const { id } = await groupNamed('from-a-file')
    await at(`/groups/view/?id=${id}&tab=details`, async (page) => {
      const notes = page.getByRole('note')
      const fieldOf = (label: string) => page.locator('form div.grid', { has: page.getByLabel(label) }).last()
      await fieldOf('Description').getByText(mark).waitFor()
      assert.equal(await fieldOf('Display name').getByText(mark).count(), 0)
      await page.getByLabel('Display name').fill('By hand')
      await page.getByRole('button', { name: 'Discard' }).waitFor()
      assert.equal(await notes.count(), 0)
      await page.getByLabel('Description').fill('edited by hand')
      await fieldOf('Description').getByText(warning).waitFor()
      assert.equal(await notes.count(), 1)
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByText('Saved', { exact: true }).waitFor()
      await notes.waitFor({ state: 'detached' })

      await page.getByRole('tab', { name: 'Settings' }).click()
      const setting = (name: string) => page.locator(`[data-setting=${name}]`)
      await setting('max_retries').getByText(mark).waitFor()
      for (const name of ['max_retries', 'max_wait_ms']) await setting(name).getByLabel(name, { exact: true }).fill('7')
      await page.getByText('2 changed').waitFor()
      await setting('max_retries').getByText(warning).waitFor()
      assert.deepEqual([await notes.count(), await setting('max_wait_ms').getByText(mark).count()], [1, 0])

      await page.getByRole('tab', { name: 'Rules' }).click()
      const section = (title: string) => page.locator('section', { has: page.getByRole('heading', { name: title }) })
      await section('Parameters').getByText(mark).waitFor()
      await page.getByRole('button', { name: 'Add header rule' }).click()
      await page.getByText('Changed, not saved yet').waitFor()
      assert.equal(await notes.count(), 0)
      await page.getByRole('button', { name: 'Remove parameter 1' }).click()
      await section('Parameters').getByText(warning).waitFor()
      assert.equal(await page.locator('section').getByText(mark).count(), 1)

      await page.getByRole('tab', { name: 'Upstreams' }).click()
      await page.getByRole('tabpanel').getByText(mark).waitFor()
      assert.equal(await notes.count(), 0)
      await page.getByLabel('Weight of upstream 1').fill('5')
      await notes.getByText(warning).waitFor()

      // No form to mark: the switch warns after it is moved, the order before it is saved.
      await page.getByRole('switch', { name: 'Group is on' }).click()
      await page.getByRole('listitem').getByText(warning).waitFor()
      await page.goto(`${portal.installation.url}/groups/`)
      await page.getByRole('button', { name: 'Reorder' }).click()
      await page.getByRole('button', { name: 'Move from-a-file up' }).click()
      await page.getByRole('dialog').getByRole('note').getByText(warning).waitFor()

      // What a fresh start has made is edited like any other.
      await page.goto(`${portal.installation.url}/groups/view/?id=${(await groupNamed('default')).id}&tab=details`)
      await page.getByLabel('Description').fill('mine')
      await page.getByRole('button', { name: 'Discard' }).waitFor()
      assert.deepEqual([await notes.count(), await page.getByText('managed by').count()], [0, 0])
    })
    assert.deepEqual(await driftOf([full]), [
      ['from-a-file', 'description', 'as in the file'],
      ['from-a-file', 'enabled', true],
    ])
    assert.equal((await groupOf(id)).display_name, 'By hand')
  })

  test('is the access keys, too: their switch, their groups, and no field that the file leaves out', async () => {
    const managed = { ...key, enabled: true, expires_at: expiresAt, max_requests_per_minute: 60 }
    await apply([named], [managed])
    const { items } = (await portal.installation.api('GET /api/v1/access-keys', { query: { search: key.name } })).data
    await at(`/access-keys/?edit=${items[0]!.id}`, async (page) => {
      const dialog = page.getByRole('dialog')
      await dialog.getByText(mark).first().waitFor()
      // Name, groups, expiry and one of the limits.
      assert.equal(await dialog.getByText(mark).count(), 4)
      await dialog.getByLabel('Tokens per minute').fill('1000')
      assert.equal(await dialog.getByRole('note').count(), 0)
      await dialog.getByLabel('Requests per minute').fill('')
      await dialog.getByRole('note').getByText(warning).waitFor()
      await dialog.getByLabel('Requests per minute').fill('60')
      await dialog.getByRole('note').waitFor({ state: 'detached' })
      await dialog.getByLabel('Note').fill('by hand')
      await dialog.getByRole('checkbox', { name: 'from-a-file' }).click()
      await dialog.getByRole('note').getByText(warning).waitFor()
      await dialog.getByRole('checkbox', { name: 'from-a-file' }).click()
      await dialog.getByRole('note').waitFor({ state: 'detached' })
      await dialog.getByRole('button', { name: 'Save' }).click()
      await dialog.waitFor({ state: 'detached' })
      assert.deepEqual(await driftOf([named], [managed]), [])
      await page.getByRole('button', { name: `Actions for ${key.name}` }).click()
      await page.getByRole('menuitem', { name: 'Disable' }).click()
      await page.getByText(warning).waitFor()
    })
    assert.deepEqual(await driftOf([named], [managed]), [[key.name, 'enabled', true]])
  })
})

describe('limits of an access key', () => {
  const stored = async (name: string) =>
    (await portal.installation.api('GET /api/v1/access-keys', { query: { search: name } })).data.items
  const limitsOf = async (name: string) =>
    (await stored(name)).map((item) => accessKeyLimitNames.map((limit) => item[limit]))

  test('are set when it is made, seen in the list, and no more once their field is empty', async () => {
    const name = 'limited'
    await at('/access-keys/?create=true', async (page) => {
      const dialog = page.getByRole('dialog')
      const row = page.getByRole('row', { name })
      await dialog.getByLabel('Name').fill(name)
      await dialog.getByLabel('Requests at once').fill('10')
      await dialog.getByLabel('Requests per minute').fill('60')
      await dialog.getByLabel('Tokens per minute').fill('100000')
      await dialog.getByRole('button', { name: 'Create access key' }).click()
      await page.getByRole('button', { name: 'I have copied it' }).click()
      await row.getByText('10 at once · 60/min · 100,000 tokens/min', { exact: true }).waitFor()
      assert.deepEqual(await limitsOf(name), [[10, 60, 100_000]])
      await row.getByRole('button', { name: /^limited/ }).click()
      assert.equal(await dialog.getByLabel('Tokens per minute').inputValue(), '100000')
      await dialog.getByLabel('Requests per minute').fill('')
      await dialog.getByRole('button', { name: 'Save' }).click()
      await row.getByText('10 at once · 100,000 tokens/min', { exact: true }).waitFor()
      assert.deepEqual(await limitsOf(name), [[10, 0, 100_000]])
      await page.goto(`${portal.installation.url}/access-keys/?edit=${(await stored(name))[0]!.id}`)
      assert.equal(await dialog.getByLabel('Requests per minute').inputValue(), '')
    })
  })

  test('are refused at their fields, by the form and by the API', async () => {
    const name = 'beyond'
    await at('/access-keys/?create=true', async (page) => {
      const dialog = page.getByRole('dialog')
      const create = dialog.getByRole('button', { name: 'Create access key' })
      const wrong = (text: string) => dialog.locator('[aria-invalid=true]').and(dialog.getByLabel(text))
      let sent = 0
      page.on('request', (request) => (sent += request.method() === 'POST' ? 1 : 0))
      await dialog.getByLabel('Name').fill(name)
      for (const text of ['100000000', '-1', '1.5', 'ten']) {
        await dialog.getByLabel('Requests per minute').fill(text)
        await create.click()
        await dialog.getByText('A whole number from 0 to 10,000,000').waitFor()
        await wrong('Requests per minute').waitFor()
      }
      assert.equal(sent, 0)
      await dialog.getByLabel('Requests per minute').fill('')
      await page.route('**/api/v1/access-keys', (route) =>
        route.continue({ postData: { ...route.request().postDataJSON(), max_tokens_per_minute: -1 } }),
      )
      await create.click()
      await wrong('Tokens per minute').waitFor()
      assert.deepEqual([sent, await dialog.locator('[aria-invalid=true]').count()], [1, 1])
      // The browser's own line about the 400.
      page.problems.splice(0)
    })
    assert.deepEqual(await stored(name), [])
  })
})

test('an older state is looked at field by field, and brought back by whoever types its number', async () => {
  const id = await addGroup(portal.installation, 'rolled', ['sk-rolled-0123456789'])
  const { revision } = await groupOf(id)
  const { data } = await portal.installation.api('PATCH /api/v1/groups/{id}', {
    params: { id },
    revision,
    body: { description: 'a mistake', settings: { max_retries: 9 } },
  })
  await addGroup(portal.installation, 'made-since', [])
  await at('/revisions/?entity=group', async (page) => {
    const table = page.getByRole('region', { name: 'Revisions' })
    await table.getByRole('row', { name: 'group.update rolled' }).waitFor()
    await table.getByRole('button', { name: `Go back to revision ${revision}`, exact: true }).click()
    await page.waitForURL(new RegExp(`to=${revision}`))
    const dialog = page.getByRole('dialog')
    const change = dialog.getByRole('listitem').filter({ hasText: 'rolled' })
    await change.getByText('"a mistake"').waitFor()
    await change.getByText('max_retries').waitFor()
    await dialog.getByRole('listitem').filter({ hasText: 'made-since' }).getByText('is switched off').waitFor()
    const goBack = dialog.getByRole('button', { name: 'Go back', exact: true })
    assert.equal(await goBack.isDisabled(), true)
    await dialog.getByRole('textbox').fill(String(revision))
    // Somebody is quicker: what was looked at is not what would happen.
    await portal.installation.api('PATCH /api/v1/groups/{id}', {
      params: { id },
      revision: data.revision,
      body: { description: 'another mistake' },
    })
    await goBack.click()
    await page.getByText('Something has changed meanwhile').waitFor()
    await change.getByText('"another mistake"').waitFor()
    // The browser's own line about the 409.
    page.problems.splice(0)
    await goBack.click()
    await page.getByText(`Back to revision ${revision}`).waitFor()
    await dialog.waitFor({ state: 'detached' })
    await table.getByRole('row').nth(1).getByText('policy.rollback').waitFor()
    await table.getByRole('row').nth(1).getByRole('button').click()
    await dialog.getByText('Nothing would change').waitFor()
  })
  const group = await groupOf(id)
  assert.deepEqual([group.description, group.settings, group.key_counts.total], ['', {}, 1])
})

describe('admin tokens', () => {
  test('a new one is shown once, does what its scopes allow, and is refused once revoked', async () => {
    const call = (token: string, method = 'GET'): Promise<number> =>
      fetch(`${portal.installation.url}/api/v1/groups`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(method === 'POST' ? { body: '{}' } : {}),
      }).then(({ status }) => status)
    await at('/tokens/', async (page) => {
      await page.getByRole('heading', { name: 'No admin tokens yet' }).waitFor()
      await page.getByRole('button', { name: 'Create token' }).first().click()
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('Name').fill('pipeline')
      await dialog.getByRole('checkbox', { name: 'Read' }).click()
      await dialog.getByRole('button', { name: 'Create token' }).click()
      await dialog.getByText('Choose at least one.').waitFor()
      await dialog.getByRole('checkbox', { name: 'Read' }).click()
      await dialog.getByRole('button', { name: 'Create token' }).click()
      const token = await page.locator('[data-token]').innerText()
      assert.deepEqual([await call(token), await call(token, 'POST')], [200, 403])
      await page.getByRole('button', { name: 'I have copied it' }).click()
      await page.getByRole('row').nth(1).getByText('pipeline').waitFor()
      assert.ok(!(await page.content()).includes(token))
      await page.getByRole('button', { name: 'Revoke token: pipeline' }).click()
      await page.getByRole('dialog').getByRole('textbox').fill('pipeline')
      await page.getByRole('dialog').getByRole('button', { name: 'Revoke token' }).click()
      await page.getByText('pipeline is revoked').waitFor()
      await until(async () => (await call(token)) === 401, { what: 'the refusal' })
    })
  })
})

test('the system page names versions, dependencies and a weak admin key, but no secret', async () => {
  await at('/system/', async (page) => {
    await page.getByText('AUTH_KEY is weak').waitFor()
    await page.getByText('Standalone, one process').waitFor()
    await page.getByText(/SQLite \d/).waitFor()
    await page.getByText('1 running').waitFor()
    assert.ok(!(await page.content()).includes('an-admin-key-for-the-portal'))
    await page.getByRole('heading', { name: 'System' }).click()
    await page.keyboard.press('g')
    await page.keyboard.press('k')
    await page.waitForURL(/\/tokens\//)
  })
})
