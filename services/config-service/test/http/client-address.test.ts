import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { createClientAddressOf, createOwnOriginOf } from '../../src/http/client-address.ts'

function request(remoteAddress: string | undefined, headers: Record<string, string> = {}): IncomingMessage {
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage
}

test('over TCP the peer is the client, whatever headers claim', () => {
  const addressOf = createClientAddressOf({ trustedProxies: [] })
  const claims = { 'x-forwarded-for': '9.9.9.9', 'x-gptload-client-address': '9.9.9.9' }
  assert.equal(addressOf(request('203.0.113.5', claims)), '203.0.113.5')
  assert.equal(addressOf(request('::ffff:203.0.113.5')), '203.0.113.5')
})

test('over the internal socket the public listener names the client', () => {
  const addressOf = createClientAddressOf({ trustedProxies: [] })
  assert.equal(addressOf(request(undefined, { 'x-gptload-client-address': '198.51.100.7' })), '198.51.100.7')
  assert.equal(addressOf(request(undefined, { 'x-gptload-client-address': 'no address' })), 'internal')
})

test('the client that the public listener names may be a trusted proxy, too', () => {
  const addressOf = createClientAddressOf({ trustedProxies: ['10.0.0.0/8'] })
  const via = (peer: string) =>
    addressOf(request(undefined, { 'x-gptload-client-address': peer, 'x-forwarded-for': '1.2.3.4' }))
  assert.deepEqual([via('10.1.1.1'), via('198.51.100.7'), via('no address')], ['1.2.3.4', '198.51.100.7', 'internal'])
})

test('our origin is what the connection says, and what a trusted proxy says in its place', () => {
  const originOf = createOwnOriginOf({ trustedProxies: ['10.0.0.0/8'] })
  const claims = { host: 'Load.example:3001', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'other.example' }
  const internal = (scheme: string) => ({ host: 'load.example', 'x-gptload-client-scheme': scheme })
  assert.equal(originOf(request('203.0.113.5', { ...claims, ...internal('https') })), 'http://load.example')
  assert.equal(originOf(request('10.1.1.1', claims)), 'https://other.example')
  assert.equal(
    originOf(request('10.1.1.1', { host: 'load.example', 'x-forwarded-proto': 'wss' })),
    'http://load.example',
  )
  assert.equal(originOf(request(undefined, internal('https'))), 'https://load.example')
  assert.equal(originOf(request(undefined, internal('http'))), 'http://load.example')
})

test('behind trusted proxies the last untrusted hop is the client', () => {
  const addressOf = createClientAddressOf({ trustedProxies: ['10.0.0.0/8', '2001:db8::/32'] })
  const via = (forwarded: string): string => addressOf(request('10.1.1.1', { 'x-forwarded-for': forwarded }))
  assert.equal(via('1.2.3.4'), '1.2.3.4')
  assert.equal(via('6.6.6.6, 1.2.3.4, 10.2.2.2'), '1.2.3.4')
  assert.equal(via('1.2.3.4:8080'), '1.2.3.4')
  assert.equal(via('[2a00::1]:443'), '2a00::1')
  assert.equal(via('2001:db8::7'), '2001:db8::7')
  assert.equal(via('nonsense'), '10.1.1.1')
  assert.equal(addressOf(request('1.1.1.1', { 'x-forwarded-for': '2.2.2.2' })), '1.1.1.1')
})
