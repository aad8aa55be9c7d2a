import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Locator } from 'playwright-core'
import { sourceOfFile, sourceOfText, type KeySource } from '../src/features/keys/key-source.ts'
import { previewKeys } from '../src/features/keys/preview-keys.ts'
import type { Visit } from './support/browser.ts'
import { addGroup, callModel, importKeys, untilEnded } from './support/installation.ts'
import { openPortal } from './support/portal.ts'

const portal = openPortal()
const { at } = portal
let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gpt-load-import-'))
})
after(() => rm(folder, { recursive: true, force: true }))

async function countsOf(id: number) {
  return (await portal.installation.api('GET /api/v1/groups/{id}', { params: { id } })).data.key_counts
}

async function tasksOf(id: number) {
  return (await portal.installation.api('GET /api/v1/tasks', { query: { group_id: id } })).data.items
}

const keysNamed = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, number) => `sk-${name}-${String(number).padStart(7, '0')}`)

const maxTabs = 80

const tray = (page: Visit) => page.getByRole('region', { name: 'Tasks in progress' })

describe('the preview of an import counts what the API will find', () => {
  const sources: Record<string, KeySource | Promise<KeySource>> = {
    'lines, commas, blanks and comments': sourceOfText('# keys of Tuesday\na1, b1;c1  d1\n\n a1\n'),
    'every kind of line end': sourceOfText('a1\r\nb1\rc1\na1'),
    'a JSON array': sourceOfText('["a1","b1"," a1 ", 7]'),
    'JSON lines with objects': sourceOfText('{"key":"a1","note":"x"}\n{"key":"b1"}\n{"id":3}\n{broken'),
    'a file with a JSON array and no fitting name': sourceOfFile(new File(['["a1",\n"b1","b1"]'], 'keys.txt')),
    'CSV by its header': sourceOfFile(new File(['note,api_key\n"a, quoted",a1\nb,"b1"\nc,\nd,a1\n'], 'keys.csv')),
    'CSV without a header': sourceOfFile(new File(['a1,first\nb1,second\na1,third'], 'keys.csv')),
    'keys that are too long': sourceOfText(`a1\n${'x'.repeat(5_000)}\nb1`),
  }
  for (const [name, given] of Object.entries(sources))
    test(name, async () => {
      const source = await given
      const { different, repeated, malformed } = await previewKeys(source)
      const id = await addGroup(portal.installation, `preview-${Object.keys(sources).indexOf(name)}`, [])
      const task = await importKeys(portal.installation, id, await source.body.text(), source.type)
      const { data } = await portal.installation.api('GET /api/v1/tasks/{id}', { params: { id: task } })
      assert.deepEqual([different, repeated, malformed], [data.succeeded, data.skipped, data.failed])
      assert.ok(different > 0)
    })
})

describe('an import', () => {
  test('of a hundred thousand from a file, while callers are served: what is new, duplicate and malformed is shown before it starts; it goes on behind other pages and a reload', async () => {
    const id = await addGroup(portal.installation, 'imported', keysNamed('serving', 3))
    const file = join(folder, 'hundred-thousand.txt')
    const malformed = 'x'.repeat(5_000)
    await writeFile(file, [...keysNamed('serving', 3), malformed, ...keysNamed('bulk', 100_000), malformed].join('\n'))
    const traffic = keepCalling('imported')
    await at(`/groups/view/?id=${id}&add=true`, async (page) => {
      await page.getByLabel('Choose a file').setInputFiles(file)
      await page.getByText('hundred-thousand.txt').waitFor()
      const preview = page.getByRole('dialog').getByRole('status')
      await preview.getByText('New', { exact: true }).waitFor({ timeout: 60_000 })
      assert.deepEqual(await preview.locator('dt').allInnerTexts(), ['New', 'Duplicate', 'Malformed'])
      assert.deepEqual(await preview.locator('dd').allInnerTexts(), ['100,000', '3', '2'])
      assert.deepEqual(await tasksOf(id), [])
      await page.getByRole('button', { name: 'Import keys (100,000)' }).click()
      await page.getByRole('button', { name: 'Go on in the background' }).click()
      await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Edges' }).click()
      await tray(page).getByText('Import · imported').waitFor()
      await tray(page)
        .getByText(/of 100,005|so far/)
        .waitFor()
      await page.reload()
      await tray(page).getByText('Added 100,000').waitFor({ timeout: 60_000 })
      const [inside, around] = [await tray(page).boundingBox(), await page.getByRole('complementary').boundingBox()]
      assert.ok(inside!.x + inside!.width <= around!.x + around!.width, 'the tray is wider than the sidebar')
      await tray(page).getByRole('link', { name: 'Import · imported' }).click()
      await page.getByRole('dialog').getByText('100,005 of 100,005').waitFor()
      await page.keyboard.press('Escape')
      await tray(page)
        .getByRole('button', { name: /Dismiss/ })
        .click()
      await tray(page).waitFor({ state: 'detached' })
    })
    const { answered, refused } = await traffic.stop()
    assert.ok(answered > 10, `${answered} answered`)
    assert.deepEqual(refused, [])
    assert.equal((await countsOf(id)).total, 100_003)
  })

  test('is cancelled from the tray: what was added stays, nothing more comes', async () => {
    const id = await addGroup(portal.installation, 'cancelled', [])
    const file = join(folder, 'cancelled.csv')
    await writeFile(file, `key\n${keysNamed('cancelled', 300_000).join('\n')}`)
    await at(`/groups/view/?id=${id}&add=true`, async (page) => {
      await page.getByLabel('Choose a file').setInputFiles(file)
      await page.getByRole('button', { name: /^Import/ }).click()
      await page.getByRole('button', { name: 'Go on in the background' }).click()
      // Some of them: what is cancelled before the first chunk adds nothing.
      await tray(page)
        .getByText(/^[1-9][\d,]* of 300,000$/)
        .waitFor({ timeout: 60_000 })
      await tray(page).getByRole('button', { name: 'Cancel: Import · cancelled' }).click()
      await tray(page).getByText('Cancelled', { exact: true }).waitFor()
    })
    const { total } = await countsOf(id)
    assert.ok(total > 0 && total < 300_000, `${total} keys`)
    const [task] = await tasksOf(id)
    assert.deepEqual([task?.state, task?.succeeded], ['cancelled', total])
  })

  test('names malformed lines in its report, and shows no key', async () => {
    const id = await addGroup(portal.installation, 'malformed', [])
    await at(`/groups/view/?id=${id}&add=true`, async (page) => {
      await page.getByLabel('Keys', { exact: true }).fill(`sk-good-0123456789\n${'y'.repeat(5_000)}`)
      await page.getByRole('button', { name: 'Import keys (1)' }).click()
      await page.getByRole('dialog', { name: 'Import ended' }).waitFor()
      await page.getByRole('region', { name: 'Problems' }).getByText('Line 2').waitFor()
      assert.ok(!(await page.getByRole('dialog').innerText()).includes('yyyyyyyy'))
    })
  })

  test('that the server refuses is said, and the form comes back', async () => {
    const id = await addGroup(portal.installation, 'not-utf8', [])
    const file = join(folder, 'latin1.txt')
    await writeFile(file, Buffer.from('sk-caf\xe9-0123456789', 'latin1'))
    await at(`/groups/view/?id=${id}&add=true`, async (page) => {
      await page.getByLabel('Choose a file').setInputFiles(file)
      await page.getByText('This file cannot be read as text (UTF-8).').waitFor()
      assert.equal(await page.getByRole('button', { name: 'Import keys' }).last().isDisabled(), true)
    })
  })
})

describe('many keys at once', () => {
  test('everything that the filter matches is chosen, also what is not loaded, and deleted after the name is typed', async () => {
    const id = await addGroup(portal.installation, 'thinned-out', [])
    await importKeys(portal.installation, id, keysNamed('thinned', 1_500).join('\n'))
    const { items } = (
      await portal.installation.api('GET /api/v1/groups/{id}/keys', { params: { id }, query: { limit: 2 } })
    ).data
    for (const { id: key, revision } of items)
      await portal.installation.api('POST /api/v1/keys/{id}/disable', { params: { id: key }, revision, body: {} })
    await at(`/groups/view/?id=${id}&state=active`, async (page) => {
      await page.getByRole('checkbox', { name: 'Choose all that are loaded' }).click()
      const bar = page.getByRole('region', { name: 'Chosen keys' })
      await bar.getByText('500 chosen').waitFor()
      await bar.getByRole('button', { name: 'Choose all 1,498' }).click()
      await bar.getByText('All 1,498 that match').waitFor()
      await bar.getByRole('button', { name: 'Delete' }).click()
      const dialog = page.getByRole('dialog', { name: 'Delete keys (1,498)' })
      assert.equal(await dialog.getByRole('button', { name: 'Delete' }).isDisabled(), true)
      await dialog.getByRole('textbox').fill('thinned-out')
      await dialog.getByRole('button', { name: 'Delete' }).click()
      await tray(page).getByText('Deleted 1,498').waitFor()
    })
    const counts = await countsOf(id)
    assert.deepEqual([counts.total, counts.disabled], [2, 2])
  })

  test('chosen ones are tested, restored and enabled as tasks', async () => {
    const keys = keysNamed('probed', 4)
    const id = await addGroup(portal.installation, 'probed', keys)
    portal.installation.provider.key(keys[0]!).revoke()
    await at(`/groups/view/?id=${id}`, async (page) => {
      const bar = page.getByRole('region', { name: 'Chosen keys' })
      const runOnAll = async (action: string): Promise<void> => {
        await page.getByRole('checkbox', { name: 'Choose all that are loaded' }).click()
        await bar.getByRole('button', { name: action, exact: true }).click()
        await bar.waitFor({ state: 'detached' })
      }
      await runOnAll('Test')
      await tray(page).getByText('Valid 3 · Refused 1').waitFor()
      await page.getByText('Invalid', { exact: true }).first().waitFor()
      await runOnAll('Restore')
      await tray(page).getByText('Restored 1 · Left as it was 3').waitFor()
      assert.equal((await countsOf(id)).active, 4)
      const [first] = (await portal.installation.api('GET /api/v1/groups/{id}/keys', { params: { id } })).data.items
      await portal.installation.api('POST /api/v1/keys/{id}/disable', {
        params: { id: first!.id },
        revision: first!.revision,
        body: {},
      })
      await runOnAll('Enable')
      await tray(page).getByText('Enabled 1 · Left as it was 3').waitFor()
    })
    assert.equal((await countsOf(id)).active, 4)
  })

  test('chosen ones are copied, and moved, into another group', async () => {
    const from = await addGroup(portal.installation, 'sender', keysNamed('sent', 6))
    const to = await addGroup(portal.installation, 'receiver', [])
    await at(`/groups/view/?id=${from}`, async (page) => {
      const send = async (what: string): Promise<void> => {
        await page
          .getByRole('checkbox', { name: /^Choose sk/ })
          .first()
          .click()
        await page.getByRole('region', { name: 'Chosen keys' }).getByRole('button', { name: 'Copy or move' }).click()
        const dialog = page.getByRole('dialog')
        await dialog.getByLabel('To group').selectOption('receiver')
        await dialog.getByLabel('What to do').selectOption({ label: what })
        await dialog.getByRole('button', { name: what.split(':')[0]!, exact: true }).click()
        await dialog.waitFor({ state: 'detached' })
      }
      await send('Copy: they stay here too')
      await tray(page).getByText('Copied 1').waitFor()
      assert.deepEqual([(await countsOf(from)).total, (await countsOf(to)).total], [6, 1])
      await send('Move: they leave this group')
      await tray(page).getByText('Moved 1').waitFor()
    })
    // The one that was there already is moved too: it is in one group only.
    assert.deepEqual([(await countsOf(from)).total, (await countsOf(to)).total], [5, 1])
  })

  test('an export is masked; in clear only after the question, and the audit log has it', async () => {
    const keys = keysNamed('exported', 3)
    const id = await addGroup(portal.installation, 'exported', keys)
    await at(`/groups/view/?id=${id}`, async (page) => {
      const download = async (prepare: () => Promise<void>): Promise<string> => {
        await page.getByRole('region', { name: 'Chosen keys' }).getByRole('button', { name: 'Export' }).click()
        await prepare()
        const [file] = await Promise.all([
          page.waitForEvent('download'),
          page.getByRole('dialog').getByRole('button', { name: 'Download' }).click(),
        ])
        await page.getByRole('dialog').waitFor({ state: 'detached' })
        return readFile(await file.path(), 'utf8')
      }
      await page.getByRole('checkbox', { name: 'Choose all that are loaded' }).click()
      const masked = await download(async () => {})
      assert.equal(masked.trim().split('\n').length, 3)
      assert.ok(!masked.includes(keys[0]!))
      const clear = await download(async () => {
        await page.getByRole('dialog').getByLabel('Keys', { exact: true }).selectOption('In clear, for another system')
        assert.equal(await page.getByRole('button', { name: 'Download' }).isDisabled(), true)
        await page.getByLabel('Format').selectOption('One key a line')
        await page.getByRole('checkbox', { name: 'Yes, export them in clear' }).click()
      })
      assert.deepEqual(clear.trim().split('\n'), keys)
    })
    const { items } = (
      await portal.installation.api('GET /api/v1/audit', { query: { entity: 'group', entity_id: String(id) } })
    ).data
    assert.equal(items.filter(({ action }) => action === 'key.export').length, 1)
  })
})

test('an export of many is a task: it goes on behind other pages, its file is in its report until it is deleted', async () => {
  const id = await addGroup(portal.installation, 'many-exported', [])
  const keys = keysNamed('many-exported', 1_200)
  await importKeys(portal.installation, id, keys.join('\n'))
  await at(`/groups/view/?id=${id}`, async (page) => {
    await page.getByRole('checkbox', { name: 'Choose all that are loaded' }).click()
    const bar = page.getByRole('region', { name: 'Chosen keys' })
    await bar.getByRole('button', { name: 'Choose all 1,200' }).click()
    await bar.getByRole('button', { name: 'Export' }).click()
    const dialog = page.getByRole('dialog', { name: 'Export keys (1,200)' })
    await dialog.getByLabel('Keys', { exact: true }).selectOption('In clear, for another system')
    assert.equal(await dialog.getByRole('button', { name: 'Start export' }).isDisabled(), true)
    await dialog.getByLabel('Format').selectOption('One key a line')
    await dialog.getByRole('checkbox', { name: 'Yes, export them in clear' }).click()
    await dialog.getByRole('button', { name: 'Start export' }).click()
    await bar.waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'Audit' }).click()
    await tray(page).getByText('Exported 1,200').waitFor()
    await tray(page).getByRole('link', { name: 'Export · many-exported' }).click()
    const report = page.getByRole('dialog', { name: /^Export #/ })
    await report.getByText('File kept until').waitFor()
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      report.getByRole('link', { name: 'Download' }).click(),
    ])
    assert.match(file.suggestedFilename(), /^keys-of-group-\d+-task-\d+\.txt$/)
    assert.deepEqual((await readFile(await file.path(), 'utf8')).trim().split('\n'), keys)
    await report.getByRole('button', { name: 'Delete file' }).click()
    await report.getByRole('link', { name: 'Download' }).waitFor({ state: 'detached' })
  })
})

test('keys are imported, chosen and deleted by keyboard alone', async () => {
  const id = await addGroup(portal.installation, 'by-keyboard', [])
  await at(`/groups/view/?id=${id}`, async (page) => {
    const tabTo = async (target: Locator): Promise<void> => {
      await target.waitFor()
      for (let presses = 0; presses < maxTabs; presses += 1) {
        if (await target.evaluate((element) => element === document.activeElement)) return
        await page.keyboard.press('Tab')
      }
      assert.fail(`${maxTabs} times Tab did not reach ${target}`)
    }
    await tabTo(page.getByRole('button', { name: 'Import keys' }).first())
    await page.keyboard.press('Enter')
    await page.locator('[role=dialog] textarea:focus').waitFor()
    await page.keyboard.insertText(keysNamed('typed', 3).join('\n'))
    await tabTo(page.getByRole('button', { name: 'Import keys (3)' }))
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Import ended' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await tabTo(page.getByRole('checkbox', { name: 'Choose all that are loaded' }))
    await page.keyboard.press('Space')
    await tabTo(page.getByRole('region', { name: 'Chosen keys' }).getByRole('button', { name: 'Delete' }))
    await page.keyboard.press('Enter')
    await tabTo(page.getByRole('dialog').getByRole('textbox'))
    await page.keyboard.insertText('by-keyboard')
    await page.keyboard.press('Enter')
    await tray(page).getByText('Deleted 3').waitFor()
  })
  assert.equal((await countsOf(id)).total, 0)
})

describe('the page of tasks', () => {
  test('is searched and filtered in the URL, and opens the report of one', async () => {
    const id = await addGroup(portal.installation, 'reported', [])
    const task = await importKeys(portal.installation, id, 'sk-reported-0123456789')
    await untilEnded(portal.installation, task)
    await at('/tasks/', async (page) => {
      await page.getByRole('row').nth(1).waitFor()
      await page.keyboard.press('/')
      await page.keyboard.type('reported')
      await page.waitForURL(/search=reported/)
      await page.getByRole('row').nth(2).waitFor({ state: 'detached' })
      await page.getByLabel('Task', { exact: true }).selectOption('Delete')
      await page.getByText('Nothing found').waitFor()
      await page.getByRole('button', { name: 'Clear filters' }).click()
      await page.waitForURL(/\/tasks\/$/)
      await page.getByLabel('Group', { exact: true }).selectOption('reported')
      await page.getByRole('row').nth(1).getByRole('button').click()
      await page.waitForURL(new RegExp(`task=${task}`))
      await page
        .getByRole('dialog', { name: `Import #${task}` })
        .getByText('1 of 1')
        .waitFor()
      await page.goBack()
      await page.getByRole('dialog').waitFor({ state: 'detached' })
    })
  })
})

/** A caller that never stops: what is refused is written down. */
function keepCalling(group: string): { stop(): Promise<{ answered: number; refused: number[] }> } {
  let isOver = false
  const outcome = { answered: 0, refused: [] as number[] }
  const loop = (async () => {
    while (!isOver) {
      const { status } = await callModel(portal.installation, group)
      if (status === 200) outcome.answered += 1
      else outcome.refused.push(status)
    }
  })()
  return {
    async stop() {
      isOver = true
      await loop
      return outcome
    },
  }
}
