import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { channelOf } from '../src/find-channel.ts'

suite('paths of resources', () => {
  test('are told from paths that generate, the first time and the next', () => {
    const { statefulPath } = channelOf('openai')
    const file = { family: 'files', resourceId: '', isCreation: true }
    for (let time = 0; time < 3; time += 1) {
      assert.equal(statefulPath('POST', '/v1/chat/completions'), null)
      assert.equal(statefulPath('POST', '/v1/responses'), null)
      assert.deepEqual(statefulPath('POST', '/v1/files'), file)
      assert.deepEqual(statefulPath('GET', '/v1/responses/resp_1'), {
        family: 'responses',
        resourceId: 'resp_1',
        isCreation: false,
      })
    }
  })

  test('stay told apart when more paths were seen than are remembered', () => {
    const { statefulPath } = channelOf('anthropic')
    for (let path = 0; path < 1_000; path += 1) assert.equal(statefulPath('POST', `/v1/messages/${path}`), null)
    assert.equal(statefulPath('POST', '/v1/messages'), null)
    assert.equal(statefulPath('POST', '/v1/messages/batches')?.isCreation, true)
  })
})
