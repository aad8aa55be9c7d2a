import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { until } from '@gpt-load/testkit/until'
import { addGroup, callModel, untilLogged } from './support/installation.ts'
import { openPortal } from './support/portal.ts'

const portal = openPortal()
const { at } = portal

async function keysOf(group: number) {
  return (await portal.installation.api('GET /api/v1/groups/{id}/keys', { params: { id: group } })).data.items
}

async function groupOf(id: number) {
  return (await portal.installation.api('GET /api/v1/groups/{id}', { params: { id } })).data
}

describe('groups', () => {
  test('one is created with its first keys and serves', async () => {
    await at('/groups/', async (page) => {
      await page.getByRole('button', { name: 'Create group' }).click()
      const dialog = page.getByRole('dialog', { name: 'Create group' })
      await dialog.getByLabel('Name').fill('made-here')
      await dialog.getByLabel('Upstream').fill(portal.installation.provider.url)
      await dialog.getByLabel('First keys').fill('sk-first-0123456789\nsk-second-0123456789')
      await dialog.getByRole('button', { name: 'Create group' }).click()
      await page.waitForURL(/\/groups\/view\/\?id=\d+/)
      await page.getByRole('row').nth(2).waitFor()
      assert.equal((await callModel(portal.installation, 'made-here')).status, 200)
    })
  })

  test('a name that is refused is said at its field, and what was typed stays', async () => {
    await addGroup(portal.installation, 'taken', [])
    await at('/groups/?create=true', async (page) => {
      const dialog = page.getByRole('dialog', { name: 'Create group' })
      await dialog.getByLabel('Name').fill('Not A Name')
      await dialog.getByRole('button', { name: 'Create group' }).click()
      await dialog.getByText('use 1 to 100 of a-z, 0-9, _ and -').waitFor()
      assert.equal(await dialog.getByLabel('Name').getAttribute('aria-invalid'), 'true')
      assert.equal(await dialog.getByLabel('Name').inputValue(), 'Not A Name')
      // A click beside the dialog loses nothing.
      await page.mouse.click(5, 5)
      assert.equal(await dialog.isVisible(), true)
    })
  })

  test('one is copied under another name, with its keys when that is wanted', async () => {
    const id = await addGroup(portal.installation, 'original', ['sk-original-0123456789'])
    await at(`/groups/view/?id=${id}`, async (page) => {
      await page.getByRole('button', { name: 'More actions' }).click()
      await page.getByRole('menuitem', { name: 'Copy group' }).click()
      await page.getByRole('dialog').getByLabel('Name').fill('a-copy')
      await page.getByRole('dialog').getByLabel('Keys').selectOption('With all keys')
      await page.getByRole('dialog').getByRole('button', { name: 'Copy group' }).click()
      await page.getByRole('heading', { name: 'a-copy' }).waitFor()
      await page.getByRole('row').nth(1).waitFor()
    })
  })

  test('deleting one asks for its name', async () => {
    const id = await addGroup(portal.installation, 'short-lived', [])
    await at(`/groups/view/?id=${id}`, async (page) => {
      await page.getByRole('button', { name: 'More actions' }).click()
      await page.getByRole('menuitem', { name: 'Delete group' }).click()
      const confirm = page.getByRole('dialog').getByRole('button', { name: 'Delete group' })
      await page.getByRole('dialog').getByRole('textbox').fill('another')
      assert.equal(await confirm.isDisabled(), true)
      await page.getByRole('dialog').getByRole('textbox').fill('short-lived')
      await confirm.click()
      await page.waitForURL(/\/groups\/$/)
      await page.getByRole('link', { name: 'short-lived' }).waitFor({ state: 'detached' })
    })
    const names = (await portal.installation.api('GET /api/v1/groups', {})).data.items.map(({ name }) => name)
    assert.ok(!names.includes('short-lived'))
  })

  test('switched off it refuses callers, switched on it serves again', async () => {
    const id = await addGroup(portal.installation, 'switched', ['sk-switched-0123456789'])
    await at(`/groups/view/?id=${id}`, async (page) => {
      const toggle = page.getByRole('switch', { name: 'Group is on' })
      await toggle.click()
      await until(async () => (await callModel(portal.installation, 'switched')).status !== 200, { what: 'a refusal' })
      await toggle.click()
      await until(async () => (await callModel(portal.installation, 'switched')).status === 200, { what: 'an answer' })
    })
  })

  test('upstreams are changed as one list, with the share that each weight means', async () => {
    const id = await addGroup(portal.installation, 'balanced', [])
    await at(`/groups/view/?id=${id}&tab=upstreams`, async (page) => {
      await page.getByRole('button', { name: 'Add upstream' }).click()
      await page.getByLabel('Address of upstream 2').fill('https://second.example')
      await page.getByLabel('Weight of upstream 2').fill('3')
      await page.getByText('75 %').waitFor()
      await page.getByRole('button', { name: 'Save' }).click()
      await until(async () => (await groupOf(id)).upstreams.length === 2, { what: 'the second upstream' })
    })
    assert.deepEqual(
      (await groupOf(id)).upstreams.map(({ weight }) => weight),
      [1, 3],
    )
  })

  test('members of an aggregate are added with a weight and taken out', async () => {
    const [first, second] = [
      await addGroup(portal.installation, 'pool-a', []),
      await addGroup(portal.installation, 'pool-b', []),
    ]
    const { data } = await portal.installation.api('POST /api/v1/groups', {
      body: { name: 'pools', channel: 'openai', kind: 'aggregate', members: [{ group_id: first }] },
    })
    await at(`/groups/view/?id=${data.id}`, async (page) => {
      await page.getByLabel('Choose a group').selectOption('pool-b')
      await page.getByRole('button', { name: 'Add', exact: true }).click()
      await page.getByLabel('Weight of pool-b').fill('4')
      await page.getByRole('button', { name: 'Take pool-a out' }).click()
      await page.getByRole('button', { name: 'Save' }).click()
      await until(async () => (await groupOf(data.id)).members[0]?.group_id === second, { what: 'the new member' })
    })
    assert.deepEqual(
      (await groupOf(data.id)).members.map(({ group_id, weight }) => [group_id, weight]),
      [[second, 4]],
    )
  })

  test('an edit that another person overtook is refused and loses nothing of theirs', async () => {
    const id = await addGroup(portal.installation, 'contested', [])
    await at(`/groups/view/?id=${id}&tab=details`, async (page) => {
      await page.getByLabel('Description').fill('mine')
      // The page reads again every few seconds: until then it has the old revision.
      await page.route('**/api/v1/groups/*', async (route) => {
        if (route.request().method() === 'PATCH') {
          const revision = (await groupOf(id)).revision
          await portal.installation.api('PATCH /api/v1/groups/{id}', {
            params: { id },
            revision,
            body: { description: 'theirs' },
          })
        }
        await route.continue()
      })
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByText('Somebody else changed it meanwhile').waitFor()
      // The portal.browser's own line about the 412.
      page.problems.splice(0)
    })
    assert.equal((await groupOf(id)).description, 'theirs')
  })
})

describe('keys', () => {
  test('pasted ones are compared with the group before, imported by a task, and reported after', async () => {
    const id = await addGroup(portal.installation, 'pasted', ['sk-known-0123456789'])
    await at(`/groups/view/?id=${id}`, async (page) => {
      await page.getByRole('button', { name: 'Import keys' }).click()
      const dialog = page.getByRole('dialog')
      await dialog
        .getByLabel('Keys', { exact: true })
        .fill('sk-known-0123456789\nsk-a-0123456789, sk-b-0123456789\n# a comment\nsk-a-0123456789')
      await dialog.getByRole('button', { name: 'Import keys (2)' }).waitFor()
      assert.deepEqual(await dialog.locator('dt').allInnerTexts(), ['New', 'Duplicate', 'Malformed'])
      assert.deepEqual(await dialog.locator('dd').allInnerTexts(), ['2', '2', '0'])
      assert.ok(!(await dialog.getByRole('listitem').allInnerTexts()).join().includes('sk-known-0123456789'))
      await dialog.getByRole('button', { name: 'Import keys (2)' }).click()
      await page.getByRole('dialog', { name: 'Import ended' }).waitFor()
      assert.deepEqual(await page.getByRole('dialog').locator('dd').allInnerTexts(), ['2', '2', '0'])
      await page.getByRole('button', { name: 'Done' }).click()
      await page.getByRole('region', { name: 'Keys' }).getByRole('row').nth(3).waitFor()
    })
    assert.equal((await keysOf(id)).length, 3)
  })

  test('chosen ones are disabled with a reason, which the list then shows', async () => {
    const id = await addGroup(portal.installation, 'chosen', [
      'sk-one-0123456789',
      'sk-two-0123456789',
      'sk-three-0123456789',
    ])
    await at(`/groups/view/?id=${id}`, async (page) => {
      await page.getByRole('checkbox', { name: 'Choose all that are loaded' }).click()
      await page.getByRole('region', { name: 'Chosen keys' }).getByRole('button', { name: 'Disable' }).click()
      await page.getByRole('dialog').getByLabel('Reason').fill('contract ended')
      await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click()
      await page.getByRole('region', { name: 'Tasks in progress' }).getByText('Disabled 3').waitFor()
      await page.getByText('contract ended').first().waitFor()
      await page.getByRole('group', { name: 'Filter by state' }).getByRole('button', { name: 'Disabled 3' }).click()
      await page.waitForURL(/state=disabled/)
      await page.getByRole('group', { name: 'Filter by state' }).getByRole('button', { name: 'Disabled 3' }).click()
      await page.getByLabel('Filter by cause').selectOption('by a person (3)')
      await page.waitForURL(/cause=operator/)
      const list = page.getByRole('region', { name: 'Keys' })
      await until(async () => (await list.getByRole('table').getAttribute('aria-rowcount')) === '4', {
        what: 'what a person has taken out',
      })
    })
    assert.deepEqual([...new Set((await keysOf(id)).map(({ state }) => state))], ['disabled'])
  })

  test('a key that the provider refuses is tested, and restored', async () => {
    const id = await addGroup(portal.installation, 'refused', ['sk-refused-0123456789'])
    portal.installation.provider.key('sk-refused-0123456789').revoke()
    await at(`/groups/view/?id=${id}`, async (page) => {
      const row = page.getByRole('row').nth(1)
      await row.getByRole('button', { name: /Actions for/ }).click()
      await page.getByRole('menuitem', { name: 'Test' }).click()
      await page.getByText('The key does not work').waitFor()
      await row.getByText('Invalid', { exact: true }).waitFor()
      portal.installation.provider.key('sk-refused-0123456789').recover()
      await row.getByRole('button', { name: /Actions for/ }).click()
      await page.getByRole('menuitem', { name: 'Restore' }).click()
      await page.getByText('Key restored').waitFor()
      await row.getByText('Active').waitFor()
    })
  })

  test('one is shown in clear on demand, and the audit log names who looked', async () => {
    const id = await addGroup(portal.installation, 'shown', ['sk-shown-0123456789ab'])
    const [key] = await keysOf(id)
    await at(`/groups/view/?id=${id}&key=${key?.id}`, async (page) => {
      await page.getByRole('dialog').getByRole('button', { name: 'Show the key' }).click()
      await page.getByText('sk-shown-0123456789ab').waitFor()
      await page.goto(`${portal.installation.url}/audit/`)
      await page.getByRole('row').nth(1).getByText('key.reveal').waitFor()
      await page.getByRole('row').nth(1).getByRole('button').click()
      await page.getByRole('dialog').getByText(`key ${key?.id}`).waitFor()
    })
  })

  test('deleting one asks for its hint', async () => {
    const id = await addGroup(portal.installation, 'thinned', ['sk-gone-0123456789ab'])
    const [key] = await keysOf(id)
    await at(`/groups/view/?id=${id}&key=${key?.id}`, async (page) => {
      await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
      const confirm = page.getByRole('dialog', { name: /Delete keys/ })
      await confirm.getByRole('textbox').fill(key?.hint ?? '')
      await confirm.getByRole('button', { name: 'Delete' }).click()
      await page.getByRole('heading', { name: 'No keys yet' }).waitFor()
    })
  })

  test('twenty thousand are scrolled through with a few dozen rows in the document', async () => {
    const id = await addGroup(portal.installation, 'many', [])
    for (let batch = 0; batch < 4; batch += 1)
      await portal.installation.api('POST /api/v1/groups/{id}/keys', {
        params: { id },
        body: {
          keys: Array.from({ length: 5_000 }, (_, number) => `sk-many-${batch}-${String(number).padStart(6, '0')}`),
        },
      })
    await at(`/groups/view/?id=${id}`, async (page) => {
      const table = page.getByRole('table')
      await table.waitFor()
      assert.equal(await table.getAttribute('aria-rowcount'), '20001')
      const list = page.getByRole('region', { name: 'Keys' })
      for (const target of [400, 900, 1_400]) {
        // What is not loaded yet cannot be scrolled to: it comes as its end is reached.
        await until(
          async () => {
            await list.evaluate((element, row) => element.scrollTo(0, row * 52), target)
            return page.locator(`tr[aria-rowindex="${target + 3}"]`).isVisible()
          },
          { what: `row ${target}`, timeoutMs: 20_000, intervalMs: 50 },
        )
        assert.ok((await page.locator('tbody tr').count()) < 80)
      }
    })
  })
})

describe('access keys', () => {
  test('a new one is shown once, opens the proxy, and is refused once revoked', async () => {
    await addGroup(portal.installation, 'guarded', ['sk-guarded-0123456789'])
    const call = (token: string): Promise<Response> =>
      fetch(`${portal.installation.url}/proxy/guarded/v1/models`, { headers: { authorization: `Bearer ${token}` } })
    await at('/access-keys/', async (page) => {
      await page.getByRole('button', { name: 'Create access key' }).click()
      await page.getByRole('dialog').getByLabel('Name').fill('a caller')
      await page.getByRole('dialog').getByRole('button', { name: 'Create access key' }).click()
      const token = await page.locator('[data-token]').innerText()
      assert.equal((await call(token)).status, 200)
      await page.getByRole('button', { name: 'I have copied it' }).click()
      await page.getByRole('button', { name: /^a caller/ }).waitFor()
      assert.ok(!(await page.content()).includes(token))
      await page.getByRole('button', { name: 'Actions for a caller' }).click()
      await page.getByRole('menuitem', { name: 'Revoke access key' }).click()
      await page.getByRole('dialog').getByRole('textbox').fill('a caller')
      await page.getByRole('dialog').getByRole('button', { name: 'Revoke access key' }).click()
      await page.getByText('a caller is revoked').waitFor()
      await until(async () => (await call(token)).status === 401, { what: 'the refusal' })
    })
  })

  test('the snippet of a group works as it is copied, and its request appears beside it', async () => {
    const id = await addGroup(portal.installation, 'snippet', ['sk-snippet-0123456789'])
    await at(`/groups/view/?id=${id}&tab=connect`, async (page) => {
      await page.getByText('Waiting for the first request').waitFor()
      await page.getByRole('button', { name: 'Create a key for this snippet' }).click()
      await page.getByText('It is shown this once').waitFor()
      const snippet = await page.locator('pre').innerText()
      const { execFile } = await import('node:child_process')
      const output = await new Promise<string>((resolve, reject) =>
        execFile('sh', ['-c', `${snippet} -s`], (error, stdout) => (error === null ? resolve(stdout) : reject(error))),
      )
      assert.ok(output.includes('"choices"'), output)
      await page.getByText('Last request').waitFor()
    })
  })
})

describe('settings', () => {
  test('only what was changed is sent; the value then comes from the system, and goes back to its default', async () => {
    await at('/settings/', async (page) => {
      const row = page.locator('[data-setting=max_retries]')
      const before = await row.getByRole('textbox').inputValue()
      await row.getByRole('textbox').fill('7')
      const [request] = await Promise.all([
        page.waitForRequest((sent) => sent.method() === 'PATCH'),
        page.getByRole('button', { name: 'Save' }).click(),
      ])
      assert.deepEqual(request.postDataJSON(), { max_retries: 7 })
      assert.match((await request.headerValue('if-match')) ?? '', /^"\d+"$/)
      await row.getByText('system').waitFor()
      await row.getByRole('button', { name: 'Reset max_retries' }).click()
      await page.getByRole('button', { name: 'Save' }).click()
      await row.getByText('default').waitFor()
      assert.equal(await row.getByRole('textbox').inputValue(), before)
    })
  })

  test('a value out of bounds is said at once and cannot be saved', async () => {
    await at('/settings/', async (page) => {
      const row = page.locator('[data-setting=request_timeout]')
      await row.getByRole('textbox').fill('0')
      await row.getByText('A whole number from 1 to 86,400').waitFor()
      assert.equal(await page.getByRole('button', { name: 'Save' }).isDisabled(), true)
    })
  })

  test('a group overrides one, and inherits again', async () => {
    const id = await addGroup(portal.installation, 'overriding', [])
    await at(`/groups/view/?id=${id}&tab=settings`, async (page) => {
      const row = page.locator('[data-setting=connect_timeout]')
      await row.getByRole('textbox').fill('3')
      await page.getByRole('button', { name: 'Save' }).click()
      await row.getByText('this group').waitFor()
      assert.equal((await groupOf(id)).settings['connect_timeout'], 3)
      await row.getByRole('button', { name: 'Reset connect_timeout' }).click()
      await page.getByRole('button', { name: 'Save' }).click()
      await row.getByText('default').waitFor()
    })
    assert.deepEqual((await groupOf(id)).settings, {})
  })
})

test('a request leads to its attempts, and each attempt to its key', async () => {
  const keys = ['sk-limited-0123456789', 'sk-good-0123456789']
  const id = await addGroup(portal.installation, 'retried', keys)
  portal.installation.provider.key(keys[0]!).limit({ retryAfterS: 600 })
  for (let call = 0; call < 2; call += 1) assert.equal((await callModel(portal.installation, 'retried')).status, 200)
  await untilLogged(portal.installation, 2)
  await until(
    async () =>
      (await portal.installation.api('GET /api/v1/logs', { query: { group_id: id } })).data.items.length === 2,
    { what: 'both records' },
  )
  const { items } = (await portal.installation.api('GET /api/v1/logs', { query: { group_id: id } })).data
  const retried = items.find(({ attempt_count: count }) => count === 2)
  await at(`/logs/?group=${id}&request=${retried?.request_id}`, async (page) => {
    const drawer = page.getByRole('dialog')
    await drawer.getByText('rate_limit_exceeded').waitFor()
    await drawer.getByRole('listitem').first().getByRole('link').click()
    await page.waitForURL(/\/groups\/view\/.*key=\d+/)
    await page
      .getByRole('dialog')
      .getByText(/Cooling/)
      .first()
      .waitFor()
  })
})
