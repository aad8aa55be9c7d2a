import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { dialectOfChannel, type ChannelType } from '@gpt-load/contracts/channel-types'
import { startProcess } from '@gpt-load/testkit/child-process'
import { ensurePythonSdks, type PythonSdks } from '@gpt-load/testkit/python-sdks'
import { freePort } from '@gpt-load/testkit/servers/free-port'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { snippetOf, type SnippetLanguage } from '../src/features/groups/snippets.ts'
import { openBrowser, visit, type Visit } from './support/browser.ts'
import { accessToken, addAccessKey, startInstallation } from './support/installation.ts'

const repository = resolve(import.meta.dirname, '../../..')
const run = promisify(execFile)
let browser: Browser
let folder: string
let sdks: PythonSdks

before(async () => {
  browser = await openBrowser()
  sdks = await ensurePythonSdks()
  folder = await mkdtemp(join(tmpdir(), 'gpt-load-newcomer-'))
  // Where a newcomer has run `npm install`: the SDKs that the end-to-end tests use.
  await symlink(join(repository, 'infra/e2e/node_modules'), join(folder, 'node_modules'))
})
after(async () => {
  await browser.close()
  await rm(folder, { recursive: true, force: true })
})

/** As somebody runs what was copied; answers what it prints. */
async function runSnippet(language: SnippetLanguage, snippet: string): Promise<string> {
  if (language === 'curl') return (await run('sh', ['-c', snippet])).stdout
  const file = join(folder, language === 'node' ? 'snippet.mjs' : 'snippet.py')
  await writeFile(file, snippet)
  if (language === 'node') return (await run(process.execPath, [file], { cwd: folder })).stdout
  assert.ok('python' in sdks)
  return (await run(sdks.python, [file], { cwd: folder, env: sdks.env })).stdout
}

async function copied(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Copy', exact: true }).click()
  return page.evaluate(() => navigator.clipboard.readText())
}

const maxNewcomerMs = 120_000

test('from npm start to the first 200 by clicks alone, in under two minutes', async () => {
  const startedAt = performance.now()
  await using provider = await startFakeProvider({ dialect: 'openai' })
  const [port, dataDir] = [await freePort(), join(folder, 'new-installation')]
  const url = `http://127.0.0.1:${port}`
  const { AUTH_KEY: _a, ENCRYPTION_KEY: _e, ...env } = process.env
  await using server = await startProcess({
    name: 'npm start',
    command: 'npm',
    args: ['start', '--', '--port', String(port), '--host', '127.0.0.1', '--data-dir', dataDir],
    cwd: repository,
    env,
    readyTimeoutMs: maxNewcomerMs,
    ready: async () => (await fetch(`${url}/readyz`)).ok,
  })
  const [, keyFile = ''] = await server.line(/admin key +in (\S+) until its first use/)
  const page = await visit(browser, url, { isSignedIn: false })
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.getByLabel('Admin key').fill((await readFile(keyFile, 'utf8')).trim())
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'From nothing to the first answer' }).waitFor()
  // The browser's own line about the 401 that brought the sign-in page.
  page.problems.splice(0)
  await addKeysOfOwn(page, provider.url)
  await page.getByRole('tab', { name: 'Connect' }).click()
  await page.getByText('Waiting for the first request').waitFor()
  await page.getByRole('button', { name: 'Create a key for this snippet' }).click()
  await page.getByText('It is shown this once').waitFor()
  assert.ok((await runSnippet('curl', await copied(page))).includes('"choices"'))
  await page.getByText('Last request').waitFor()
  await page.getByText(/^200 · /).waitFor()
  const tookMs = performance.now() - startedAt
  assert.ok(tookMs < maxNewcomerMs, `${tookMs} ms`)
  await page.getByRole('button', { name: 'Node.js' }).click()
  assert.ok((await runSnippet('node', await copied(page))).trim().length > 0)
  await page.getByRole('button', { name: 'Python' }).click()
  if ('python' in sdks) assert.ok((await runSnippet('python', await copied(page))).trim().length > 0)
  await page.getByRole('link', { name: 'Overview' }).click()
  await page.getByRole('heading', { name: 'Latest requests' }).waitFor()
  await page.getByRole('heading', { name: 'From nothing to the first answer' }).waitFor({ state: 'detached' })
  assert.deepEqual(page.problems, [])
  await page.context().close()
})

/** The provider is no public one: its address is what a newcomer changes. */
async function addKeysOfOwn(page: Visit, upstream: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Groups' }).click()
  await page.getByRole('button', { name: 'Create group' }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('my-provider')
  await dialog.getByLabel('Upstream').fill(upstream)
  await dialog.getByLabel('First keys').fill('sk-my-first-key-0123456789')
  await dialog.getByRole('button', { name: 'Create group' }).click()
  await page.waitForURL(/\/groups\/view\/\?id=\d+/)
  await page.getByRole('region', { name: 'Keys' }).getByRole('row').nth(1).waitFor()
}

for (const languages of [['curl', 'node'], ['python']] as const)
  describe(`the snippets of every provider run as they stand, with its own SDK: ${languages.join(', ')}`, () => {
    const models: Partial<Record<ChannelType, string>> = {
      openai: 'gpt-4.1-nano',
      'openai-response': 'gpt-4.1-nano',
      anthropic: 'claude-haiku-4-5',
      gemini: 'gemini-2.5-flash',
    }
    for (const [name, model] of Object.entries(models))
      test(name, async (t) => {
        if (languages[0] === 'python' && 'missing' in sdks) return t.skip(sdks.missing)
        const channel = name as keyof typeof dialectOfChannel
        await using installation = await startInstallation()
        await using provider = await startFakeProvider({ dialect: dialectOfChannel[channel] })
        await addAccessKey(installation)
        const { data: group } = await installation.api('POST /api/v1/groups', {
          body: { name, channel, upstreams: [{ url: provider.url }] },
        })
        await installation.api('POST /api/v1/groups/{id}/keys', {
          params: { id: group.id },
          body: { keys: ['sk-of-a-provider-0123456789'] },
        })
        const place = { address: installation.url + group.endpoint, token: accessToken, model }
        for (const language of languages) {
          const before = provider.requests.length
          assert.ok((await runSnippet(language, snippetOf(language, channel, place))).trim().length > 0, language)
          assert.equal(provider.requests.length, before + 1)
        }
      })
  })
