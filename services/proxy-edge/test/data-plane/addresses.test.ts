import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isAddressAllowed, isHostAllowed } from '@gpt-load/service-kit/upstream-addresses'
import { chooseProxyUrl, parseOutboundProxy } from '../../src/data-plane/wire/connect/outbound-proxy.ts'

suite('address guard', () => {
  for (const address of [
    '169.254.169.254',
    '169.254.0.1',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    'fe80::1',
    'fe80::1%eth0',
    'fd00:ec2::254',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '64:ff9b::169.254.169.254',
    '2002:a9fe:a9fe::1',
  ])
    test(`${address} is refused, whatever is allowed`, () => {
      assert.equal(isAddressAllowed(address, true), false)
      assert.equal(isAddressAllowed(address, false), false)
    })

  for (const address of [
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    '0.0.0.0',

    '::1',
    '::',
    'fc00::1',
    'fd12::1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '64:ff9b::10.0.0.1',
    '2002:0a00:1::1',
  ])
    test(`${address} is allowed with private addresses only`, () => {
      assert.equal(isAddressAllowed(address, true), true)
      assert.equal(isAddressAllowed(address, false), false)
    })

  for (const address of ['1.1.1.1', '172.32.0.1', '2606:4700::1', '::ffff:8.8.8.8'])
    test(`${address} is allowed`, () => assert.equal(isAddressAllowed(address, false), true))

  test('names are judged after resolution, text that is no address never passes as one', () => {
    assert.equal(isHostAllowed('api.test', false), true)
    assert.equal(isHostAllowed('[fe80::1]', true), false)
    assert.equal(isAddressAllowed('api.test', true), false)
    assert.equal(isAddressAllowed('', true), false)
  })
})

suite('choice of the outbound proxy', () => {
  const environment = { httpProxy: 'http://plain:1', httpsProxy: 'http://secure:2', noProxy: '' }
  const choose = (upstream: string, proxyUrl = '', noProxy = '') =>
    chooseProxyUrl(proxyUrl, new URL(upstream), { ...environment, noProxy })

  test("the group's own wins, then the environment's by scheme", () => {
    assert.equal(choose('https://api.test', 'socks5://own:3'), 'socks5://own:3')
    assert.equal(choose('https://api.test'), 'http://secure:2')
    assert.equal(choose('http://api.test'), 'http://plain:1')
    assert.equal(choose('http://api.test', 'ftp://no'), 'http://plain:1', 'what is no proxy URL counts as none')
  })

  for (const upstream of ['http://localhost:1', 'http://127.0.0.1', 'http://127.9.9.9', 'http://[::1]:2'])
    test(`${upstream} goes direct, but for a proxy of the group's own`, () => {
      assert.equal(choose(upstream), '')
      assert.equal(choose(upstream, 'http://own:3'), 'http://own:3')
    })

  for (const [noProxy, upstream, isExempt] of [
    ['*', 'https://api.test', true],
    ['api.test', 'https://api.test', true],
    ['test', 'https://api.test', true],
    ['.test', 'https://api.test', true],
    ['*.test', 'https://api.test', true],
    ['pi.test', 'https://api.test', false],
    ['other.test, API.test', 'https://api.test', true],
    ['api.test:443', 'https://api.test', true],
    ['api.test:80', 'https://api.test', false],
    ['api.test:8443', 'https://api.test:8443', true],
    ['', 'https://api.test', false],
  ] as const)
    test(`NO_PROXY "${noProxy}" ${isExempt ? 'exempts' : 'does not exempt'} ${upstream}`, () =>
      assert.equal(choose(upstream, '', noProxy), isExempt ? '' : 'http://secure:2'))

  test('credentials are decoded, ports have defaults, socks5h is socks5', () => {
    const proxy = parseOutboundProxy('socks5h://us%40er:p%3Aw@host.test')
    assert.deepEqual(proxy, {
      protocol: 'socks5:',
      hostname: 'host.test',
      port: 1_080,
      username: 'us@er',
      password: 'p:w',
      hasCredentials: true,
    })
    assert.equal(parseOutboundProxy('https://host.test')?.port, 443)
    for (const text of ['', 'host.test:80', 'ftp://x', 'http://']) assert.equal(parseOutboundProxy(text), null)
  })
})
