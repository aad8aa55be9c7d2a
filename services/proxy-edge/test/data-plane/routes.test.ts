import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { countHops } from '../../src/data-plane/route/count-hops.ts'
import { matchRequest } from '../../src/data-plane/route/match-request.ts'
import { loggedPath } from '../../src/data-plane/observe/request-log.ts'

suite('routes', () => {
  for (const [target, kind, groupName, path, query] of [
    ['/proxy/g/v1/chat', 'proxy', 'g', '/v1/chat', ''],
    ['/proxy/g', 'proxy', 'g', '/', ''],
    ['/proxy/g/', 'proxy', 'g', '/', ''],
    ['/proxy/g?key=1', 'proxy', 'g', '/', 'key=1'],
    ['/proxy/g//a/../b%2F?x=?&y', 'proxy', 'g', '//a/../b%2F', 'x=?&y'],
    ['/proxy/g/api/integration/info?key=1', 'group_info', 'g', '/api/integration/info', 'key=1'],
    ['/v1/models', 'proxy', '', '/v1/models', ''],
    ['/v1beta/models', 'proxy', '', '/v1beta/models', ''],
    ['/v1', 'proxy', '', '/v1', ''],
    ['/proxy/', 'unknown', '', '/proxy/', ''],
    ['/health', 'health', '', '/health', ''],
    ['/livez', 'live', '', '/livez', ''],
    ['/api/integration/info', 'info', '', '/api/integration/info', ''],
    ['/v1x/models', 'unknown', '', '/v1x/models', ''],
    ['/proxyg/x', 'unknown', '', '/proxyg/x', ''],
    ['/', 'unknown', '', '/', ''],
  ] as const)
    test(`${target} is ${kind}`, () => {
      assert.deepEqual(matchRequest(target, false), { kind, groupName, path, query })
      const isHandedOn = kind === 'info' || (kind === 'unknown' && target !== '/proxy/')
      const inOneProcess = isHandedOn ? 'control' : kind
      assert.equal(matchRequest(target, true).kind, inOneProcess)
    })

  test('path and query come back together as the target had them', () => {
    const target = fc
      .tuple(fc.stringMatching(/^[a-z0-9_-]{1,8}$/), fc.stringMatching(/^[!-~]{0,30}$/))
      .map(([g, t]) => `/proxy/${g}/${t}`)
    fc.assert(
      fc.property(target, (text) => {
        const { groupName, path, query } = matchRequest(text, true)
        assert.equal(`/proxy/${groupName}${path}${text.includes('?') ? '?' : ''}${query}`, text)
      }),
    )
  })

  test('hops that are no small number count as none', () => {
    for (const [value, hops] of [
      ['3', 3],
      ['-1', 0],
      ['1e3', 0],
      ['', 0],
      ['99999', 0],
      ['4, 4', 0],
    ] as const)
      assert.equal(countHops(['X-GptLoad-Hops', value]), hops)
    assert.equal(countHops([]), 0)
  })
})

suite('logged path', () => {
  for (const [target, expected] of [
    ['/a?b=1&c', '/a?b=1&c'],
    ['/a?key=secret&b=1', '/a?key=***&b=1'],
    ['/a?KEY=secret', '/a?KEY=***'],
    ['/a?access_token=t&api-key=k&sig=s&x=1', '/a?access_token=***&api-key=***&sig=***&x=1'],
    ['/a?%6bey=secret', '/a?%6bey=***'],
    ['/a?', '/a?'],
    ['/a', '/a'],
  ] as const)
    test(`${target} is written as ${expected}`, () => assert.equal(loggedPath(target), expected))

  test('no value of `key` is ever written, however it is spelled', () => {
    const spelled = fc.constantFrom('key', '%6bey', 'k%65y', '%6B%65%79', 'Key')
    const secret = fc.stringMatching(/^S[A-Za-z0-9]{8,20}$/)
    fc.assert(
      fc.property(spelled, secret, fc.stringMatching(/^[a-z=]{0,10}$/), (name, value, other) => {
        assert.equal(loggedPath(`/x?${other}&${name}=${value}&z=1`).includes(value), false)
      }),
    )
  })
})
