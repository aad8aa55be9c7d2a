import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StateHashAnswer } from '@gpt-load/contracts/api/edge'
import { addKeyToHash, createStateHash, formatStateHash } from '@gpt-load/key-health/state-hash'
import { edgeReport } from '../support/edge-report.ts'
import type { OpenedApi } from '../support/open-api.ts'

export function describeStateHash(api: () => Promise<OpenedApi>): void {
  test('the state hash is that of the stored keys; edges are compared with it at the same revision only', async () => {
    const { operate, service, store } = await api()
    const upstreams = [{ url: 'https://api.example.com', weight: 1 }]
    const { body: group } = await operate('createGroup', { body: { name: 'hashed', channel: 'openai', upstreams } })
    await operate('addKeys', { params: { id: group.id }, body: { keys: ['sk-hash-one-0123', 'sk-hash-two-0123'] } })
    const read = async (): Promise<StateHashAnswer> => (await operate('getStateHash')).body

    const before = await read()
    const rows = await store.database.providerKey.findMany({ where: { group_id: group.id } })
    const expected = createStateHash()
    for (const { id } of rows)
      addKeyToHash(expected, Number(id), { state: 'active', until: 0, generation: 0, failures: 0 })
    const ofGroup = before.groups.find(({ group_id: id }) => id === group.id)
    assert.equal(ofGroup?.state_hash, formatStateHash(expected))

    const { epoch, revision, state_hash } = before
    const report = (instance: string, more: object) =>
      service.internalApi.report({ ...edgeReport(instance, epoch), revision, state_hash, ...more })
    await report('same', {})
    await report('behind', { revision: revision - 1 })
    await report('wrong', { state_hash: '0'.repeat(16) })
    const verdicts = new Map((await read()).edges.map(({ instance, agrees }) => [instance, agrees]))
    assert.deepEqual(
      ['same', 'behind', 'wrong'].map((instance) => verdicts.get(instance)),
      [true, null, false],
    )
    assert.equal((await read()).agreed, false)

    await operate('disableKey', { params: { id: Number(rows[0]!.id) }, body: {} })
    const after = await read()
    assert.notEqual(after.state_hash, state_hash)
    assert.equal(after.revision, revision + 1)
    await store.sql.execute('DELETE FROM edges', [])
    await operate('deleteGroup', { params: { id: group.id } })
  })
}
