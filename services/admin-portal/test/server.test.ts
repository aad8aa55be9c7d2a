import assert from 'node:assert/strict'
import { once } from 'node:events'
import { globSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startProcess, type StartedProcess } from '@gpt-load/testkit/child-process'
import { freePorts } from '@gpt-load/testkit/servers/free-port'
import { builtPortalFolder } from '../src/server/portal-files.ts'

/** The process that the cluster runs, in front of a config-service that shows what reaches it. */
const entry = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const seen: { url: string; forwarded: string }[] = []
const upstream = createServer((request, response) => {
  seen.push({ url: request.url ?? '', forwarded: String(request.headers['x-forwarded-for']) })
  if (request.url !== '/api/v1/stream') return void response.writeHead(200, { etag: '"7"' }).end('{}')
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write('data: first\n\n')
  request.socket.on('close', () => response.destroy())
})
let portal: StartedProcess
let secondPort = 0
let url = ''

before(async () => {
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  const [port, adminPort, free] = (await freePorts(3)) as [number, number, number]
  secondPort = free
  url = `http://127.0.0.1:${port}`
  portal = await startProcess({
    name: 'admin-portal',
    command: process.execPath,
    args: [entry],
    env: {
      NODE_ENV: 'production',
      PORT: String(port),
      HOST: '127.0.0.1',
      ADMIN_PORT: String(adminPort),
      CONFIG_SERVICE_URLS: `http://127.0.0.1:${(upstream.address() as AddressInfo).port},http://127.0.0.1:${secondPort}`,
    },
    ready: async () => (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).ok,
  })
})

after(async () => {
  await portal.stop()
  upstream.closeAllConnections()
  upstream.close()
})

describe('files', () => {
  test('a page is never cached and names the hash of each of its inline scripts', async () => {
    const response = await fetch(`${url}/groups/`)
    const policy = response.headers.get('content-security-policy') ?? ''
    assert.equal(response.headers.get('cache-control'), 'no-store')
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
    assert.ok(!policy.includes('unsafe-inline'), policy)
    const scripts = [...(await response.text()).matchAll(/<script(?![^>]*\ssrc=)[^>]*>/g)]
    assert.ok(scripts.length > 0)
    assert.equal(policy.match(/script-src[^;]*/)?.[0].match(/'sha256-/g)?.length, scripts.length)
  })

  test('what has a hash in its name is cached for ever and comes compressed', async () => {
    const name = globSync('_next/static/chunks/*.js', { cwd: builtPortalFolder }).find(
      (file) => statSync(join(builtPortalFolder, file)).size > 20_000,
    )
    const response = await fetch(`${url}/${name}`, { headers: { 'accept-encoding': 'gzip' } })
    assert.equal(response.headers.get('cache-control'), 'public, max-age=31536000, immutable')
    assert.equal(response.headers.get('content-encoding'), 'gzip')
    assert.match(response.headers.get('content-type') ?? '', /javascript/)
    assert.equal(await response.text(), readFileSync(join(builtPortalFolder, name ?? ''), 'utf8'))
  })

  test('an unknown address is a page for people and a problem for programs, and no file outside of the build is found', async () => {
    const page = await fetch(`${url}/nowhere`, { headers: { accept: 'text/html' } })
    assert.equal(page.status, 404)
    assert.match(page.headers.get('content-type') ?? '', /text\/html/)
    for (const path of [
      '/nowhere',
      '/..%2fpackage.json',
      '/%2e%2e/package.json',
      '/header-table.json/../../package.json',
    ]) {
      const problem = await fetch(url + path)
      assert.equal(problem.status, 404, path)
      assert.equal(((await problem.json()) as { code: string }).code, 'not_found')
    }
  })
})

describe('/api', () => {
  test('is passed on with the caller named, and the answer comes as it is', async () => {
    const response = await fetch(`${url}/api/v1/status?x=1`)
    assert.equal(response.headers.get('etag'), '"7"')
    assert.equal(seen.at(-1)?.url, '/api/v1/status?x=1')
    assert.match(seen.at(-1)?.forwarded ?? '', /127\.0\.0\.1/)
  })

  test('events arrive while the answer is still open', async () => {
    const response = await fetch(`${url}/api/v1/stream`)
    const reader = response.body!.getReader()
    const { value } = await reader.read()
    assert.equal(new TextDecoder().decode(value), 'data: first\n\n')
    await reader.cancel()
  })

  test('nothing but /api reaches config-service', async () => {
    const before = seen.length
    for (const path of ['/internal/snapshot', '/metrics', '/apiary', '/proxy/openai/v1/models'])
      assert.equal((await fetch(url + path)).status, 404, path)
    assert.equal(seen.length, before)
  })

  test('while one config-service is away the other answers; a change that met it is 503, the next one is not', async () => {
    const { port } = upstream.address() as AddressInfo
    await closeUpstream()
    const second = createServer((request, response) => void response.end(`second ${request.method}`))
    // Where the test fails in between it must not keep the process.
    second.unref()
    second.listen(secondPort, '127.0.0.1')
    await once(second, 'listening')
    const change = () => fetch(`${url}/api/v1/groups`, { method: 'POST', body: '{}' })
    assert.equal((await change()).status, 503)
    assert.equal(await (await change()).text(), 'second POST')
    assert.equal(await (await fetch(`${url}/api/v1/status`)).text(), 'second GET')
    second.closeAllConnections()
    second.close()
    await once(second, 'close')
    upstream.listen(port, '127.0.0.1')
    await once(upstream, 'listening')
    assert.equal((await fetch(`${url}/api/v1/status`)).headers.get('etag'), '"7"')
  })

  test('a config-service that is away is 503, as a problem', async () => {
    const { port } = upstream.address() as AddressInfo
    await closeUpstream()
    const response = await fetch(`${url}/api/v1/status`)
    assert.equal(response.status, 503)
    assert.equal(((await response.json()) as { code: string }).code, 'unavailable')
    upstream.listen(port, '127.0.0.1')
    await once(upstream, 'listening')
  })
})

async function closeUpstream(): Promise<void> {
  upstream.closeAllConnections()
  const closed = once(upstream, 'close')
  upstream.close()
  await closed
}
