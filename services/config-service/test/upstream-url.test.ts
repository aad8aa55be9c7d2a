import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forbiddenHostProblem } from '../src/upstreams/check-upstream-url.ts'
import { hasCredentials, maskUrl } from '../src/upstreams/mask-url.ts'

test('link-local and metadata addresses are refused in every notation', () => {
  for (const host of [
    '169.254.169.254',
    '2852039166',
    '0xa9fea9fe',
    '0251.0376.0251.0376',
    '[fe80::1]',
    '[::ffff:169.254.169.254]',
    '[64:ff9b::169.254.169.254]',
    '[fd00:ec2::254]',
    '100.100.100.200',
    'metadata.google.internal',
    'METADATA.google.internal.',
  ])
    assert.match(forbiddenHostProblem(`http://${host}/latest`, true) ?? '', /link-local/, host)
})

test('loopback and private hosts are allowed where the variable allows them, public ones always', () => {
  for (const host of ['127.0.0.1', '10.0.0.1', '192.168.1.1', '[::1]']) {
    assert.equal(forbiddenHostProblem(`http://${host}/v1`, true), null, host)
    assert.match(forbiddenHostProblem(`http://${host}/v1`, false) ?? '', /ALLOW_PRIVATE_UPSTREAMS/, host)
  }
  // Names are judged when they are resolved.
  for (const host of ['localhost:11434', 'api.openai.com'])
    assert.equal(forbiddenHostProblem(`http://${host}/v1`, false), null, host)
})

test('credentials of a URL are masked, everything else is shown as it is', () => {
  assert.equal(maskUrl('https://api.example.com/base?api-version=1'), 'https://api.example.com/base?api-version=1')
  const masked = maskUrl('https://user:pa55@example.com/base?api_key=abc123&x=1')
  assert.ok(!/user:|pa55|abc123/.test(masked) && masked.includes('x=1'), masked)
  assert.deepEqual([hasCredentials('https://a@b.c'), hasCredentials('https://b.c')], [true, false])
})
