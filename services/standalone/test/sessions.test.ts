import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request, type RequestOptions } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { json } from 'node:stream/consumers'
import { test } from 'node:test'
import { createCertificateAuthority } from '@gpt-load/testkit/servers/certificate-authority'
import { start, temporaryFolder } from './support/standalone.ts'

const authKey = 'an-admin-key-of-my-own'
const jsonType = { 'content-type': 'application/json' }

test('a session over http has a cookie without Secure, and changes things from its own origin', async () => {
  await using standalone = await start({ folder: temporaryFolder(), env: { AUTH_KEY: authKey } })
  const opened = await standalone.call('/api/v1/sessions', { method: 'POST', body: { key: authKey } })
  assert.equal(opened.status, 201)
  const setCookie = opened.headers.get('set-cookie') ?? ''
  assert.doesNotMatch(setCookie, /Secure/)
  const change = async (origin: string) => {
    const headers = { cookie: setCookie.split(';')[0] ?? '', origin, ...jsonType }
    const init = { method: 'POST', headers, body: JSON.stringify({ name: 'by a page' }) }
    return (await fetch(`${standalone.url}/api/v1/access-keys`, init)).status
  }
  assert.equal(await change(standalone.url), 201)
  assert.equal(await change('http://evil.example'), 403)
})

test('TLS at the public listener makes it Secure and its origin https, whatever headers claim', async () => {
  using authority = await createCertificateAuthority()
  const { certFile, keyFile, caPem } = await authority.issue()
  const env = { AUTH_KEY: authKey, TLS_CERT: certFile, TLS_KEY: keyFile }
  const send = async (port: number, path: string, options: RequestOptions = {}, body?: object) => {
    const sent = request({ host: '127.0.0.1', port, path, ca: caPem, agent: false, ...options })
    sent.end(body === undefined ? undefined : JSON.stringify(body))
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    const text = await json(answer)
    return { status: answer.statusCode, setCookie: answer.headers['set-cookie']?.[0] ?? '', body: text }
  }
  const ready = async (port: number) => (await send(port, '/readyz')).status === 200
  await using standalone = await start({ folder: temporaryFolder(), env, ready })
  const { port } = standalone
  const lie = { 'x-gptload-client-scheme': 'http', ...jsonType }
  const opened = await send(port, '/api/v1/sessions', { method: 'POST', headers: lie }, { key: authKey })
  assert.equal(opened.status, 201)
  assert.match(opened.setCookie, /; Secure/)
  const headers = { ...lie, cookie: opened.setCookie.split(';')[0], origin: `https://127.0.0.1:${port}` }
  const changed = await send(port, '/api/v1/access-keys', { method: 'POST', headers }, { name: 'by a page' })
  assert.equal(changed.status, 201)
})
