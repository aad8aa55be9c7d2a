import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderGreeting, type Greeting } from '../src/greeting.ts'

const greeting: Greeting = {
  url: 'http://localhost:3001',
  dataDir: '/data',
  tookMs: 1_234,
  adminKey: { kind: 'file', path: '/data/admin-key', key: 'the-admin-key' },
  group: { id: 1, name: 'default', channel: 'openai', hasKeys: false },
  accessKey: { key: 'the-access-key', path: '/data/access-key' },
}

test('secrets are printed to a terminal', () => {
  const text = renderGreeting(greeting, true)
  assert.match(text, /the-admin-key/)
  assert.match(text, /Authorization: Bearer the-access-key/)
})

test('elsewhere only the paths of their files are', () => {
  const text = renderGreeting(greeting, false)
  assert.doesNotMatch(text, /the-admin-key|the-access-key/)
  assert.match(text, /\$\(cat '\/data\/access-key'\)/)
})

test('a folder with blanks and quotes is one word to a shell', () => {
  const accessKey = { key: 'k', path: "/it's a folder/access-key" }
  assert.match(renderGreeting({ ...greeting, accessKey }, false), /\$\(cat '\/it'\\''s a folder\/access-key'\)/)
})
