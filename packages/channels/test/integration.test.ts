import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChannelType } from '@gpt-load/contracts/channel-types'
import { integrationEntry } from '../src/integration.ts'

const entry = (channel: ChannelType, validationEndpoint: string, scope: 'all' | 'group'): [string, string] => {
  const group = { name: 'g', displayName: 'G', channel, validationEndpoint, testModel: 'm' }
  const { channel_type: type, path } = integrationEntry(group, scope)
  return [type, path]
}

test('the path begins at the server in the list of all groups, and is empty at the group', () => {
  assert.deepEqual(entry('openai', '', 'all'), ['openai', '/proxy/g'])
  assert.deepEqual(entry('openai', '/v1/chat/completions', 'group'), ['openai', ''])
  assert.deepEqual(entry('gemini', '/x', 'all'), ['gemini', '/proxy/g'])
})

test('an OpenAI group with an endpoint of its own, and any Azure group, is custom and names the whole path', () => {
  assert.deepEqual(entry('openai', '/v2/chat', 'all'), ['custom', '/proxy/g/v2/chat'])
  assert.deepEqual(entry('openai-response', '/v1/chat/completions', 'group'), ['custom', '/v1/chat/completions'])
  assert.deepEqual(entry('azure-openai', '', 'group'), [
    'custom',
    '/openai/deployments/m/chat/completions?api-version=2024-10-21',
  ])
})
