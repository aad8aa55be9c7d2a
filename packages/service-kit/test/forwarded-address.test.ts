import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bareAddress, clientBehind, createTrustCheck } from '@gpt-load/service-kit/forwarded-address'

const isTrusted = createTrustCheck(['10.0.0.0/8', '2001:db8::/32', '192.0.2.7'])

test('a peer that is no trusted proxy is the client, whatever it forwards', () => {
  assert.equal(clientBehind('203.0.113.5', '198.51.100.1', isTrusted), '203.0.113.5')
})

test('behind trusted proxies the last untrusted entry is the client; what stands before it is a claim', () => {
  assert.equal(clientBehind('10.0.0.1', '1.2.3.4, 198.51.100.1, 10.0.0.2', isTrusted), '198.51.100.1')
  assert.equal(clientBehind('2001:db8::1', '198.51.100.1:4711,192.0.2.7', isTrusted), '198.51.100.1')
  assert.equal(clientBehind('10.0.0.1', '[2001:db9::5]:443', isTrusted), '2001:db9::5')
})

test('what is no address ends the way back: the last proxy stands for the client', () => {
  assert.equal(clientBehind('10.0.0.1', '198.51.100.1, unknown, 10.0.0.2', isTrusted), '10.0.0.2')
  assert.equal(clientBehind('10.0.0.1', '', isTrusted), '10.0.0.1')
})

test('no more than sixteen entries are looked at', () => {
  assert.equal(clientBehind('10.0.0.1', `198.51.100.1,${'10.0.0.2,'.repeat(16)}10.0.0.3`, isTrusted), '10.0.0.2')
})

test('addresses lose port, brackets and the IPv4-in-IPv6 prefix', () => {
  const texts = ['::ffff:1.2.3.4', '1.2.3.4:80', '[::1]:80', '[::1]', '::1', 'host', '']
  assert.deepEqual(texts.map(bareAddress), ['1.2.3.4', '1.2.3.4', '::1', '::1', '::1', null, null])
})
