import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KeyExportContent } from '@gpt-load/contracts/api/task'
import { LeaseLost } from '@gpt-load/database/database-errors'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import { useMariadb } from '@gpt-load/testkit/servers/test-servers'
import { removeKeys } from '../src/keys/change-keys.ts'
import { newestKeyId } from '../src/keys/insert-keys.ts'
import { commitChunk } from '../src/tasks/commit-chunk.ts'
import { insertTask } from '../src/tasks/create-task.ts'
import { exportChunk } from '../src/tasks/export-chunk.ts'
import { openOutput } from '../src/tasks/task-output.ts'
import { claimTask, type TaskLease } from '../src/tasks/task-lease.ts'
import { requireTask } from '../src/tasks/task-row.ts'
import { changedPerChunk } from '../src/tasks/selection-chunk.ts'
import type { VerbContext } from '../src/verb.ts'
import { dialectsOf } from './support/open-stores.ts'
import { openReplica } from './truth/replica.ts'
import { addGroup, addKeys } from './truth/rows.ts'

const clock = createSystemClock()

for (const [name, connect] of Object.entries(dialectsOf(useMariadb())))
  describe(`chunks of an export on ${name}`, () => {
    /** No runner is at work here: a test commits chunk by chunk. */
    const open = async (secrets: readonly string[], content: KeyExportContent = 'plain') => {
      const replica = await openReplica(await connect())
      const { store, keyring, truth, change } = replica
      const actor = { name: 'tester', scopes: new Set() }
      const ctx = { store, keyring, truth, clock, actor, requestId: 'r1' } as unknown as VerbContext
      const { result: groupId } = await change((tx) => addGroup(tx, 'exported'))
      const add = async (some: readonly string[]) => (await change((tx) => addKeys(tx, keyring, groupId, some))).result
      const ids = await add(secrets)
      const endPosition = await newestKeyId(store.sql)
      const parameters = { selection: { filter: {} }, content }
      const id = await store.write((transaction) =>
        insertTask(transaction, ctx, {
          kind: 'export',
          groupId,
          state: 'queued',
          parameters,
          endPosition,
          total: secrets.length,
        }),
      )
      const prepare = async () => exportChunk(ctx, await requireTask(store.sql, id))
      const claim = async (): Promise<TaskLease> => {
        await store.sql.execute('UPDATE tasks SET lease_until = 0')
        const lease = await claimTask(store)
        assert.ok(lease !== null)
        return lease
      }
      const finish = async (lease: TaskLease): Promise<void> => {
        while (!(await commitChunk(ctx, lease, (await prepare()).apply)));
      }
      const output = async (): Promise<string[]> => {
        const { succeeded } = await requireTask(store.sql, id)
        return (await Array.fromAsync(openOutput({ sql: store.sql, keyring }, id, succeeded)))
          .join('')
          .split('\n')
          .slice(0, -1)
      }
      const remove = (some: readonly number[]) =>
        change((tx) =>
          removeKeys(
            tx,
            groupId,
            some.map((key) => ({ id: key, state: 'active' as const, cause: '' })),
            {},
          ),
        )
      const taskRow = () => requireTask(store.sql, id)
      const close = () => replica[Symbol.asyncDispose]()
      return { ctx, store, ids, add, remove, prepare, claim, finish, output, taskRow, [Symbol.asyncDispose]: close }
    }
    const keysNamed = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, n) => `sk-${prefix}-${String(n).padStart(6, '0')}`)

    test('what keys are added and removed meanwhile, those that stay are in it once', async () => {
      const secrets = keysNamed('kept', 4_500)
      await using opened = await open(secrets)
      const chunk = changedPerChunk[opened.store.dialect]
      const lease = await opened.claim()
      await commitChunk(opened.ctx, lease, (await opened.prepare()).apply)
      // One behind, two before what is done.
      const gone = [0, chunk + 1, 4_400]
      await opened.remove(gone.map((index) => opened.ids[index]!))
      await opened.add(keysNamed('new', 10))
      await opened.finish(lease)
      const found = await opened.output()
      const stayed = secrets.filter((_, index) => !gone.includes(index) || index === 0)
      assert.deepEqual(found, stayed)
      const { succeeded, state } = await opened.taskRow()
      assert.deepEqual([state, succeeded], ['succeeded', stayed.length])
    })

    test('who lost the lease adds no part: the next holder goes on without gap or double', async () => {
      const secrets = keysNamed('leased', 4_500)
      await using opened = await open(secrets)
      const stale = await opened.claim()
      await commitChunk(opened.ctx, stale, (await opened.prepare()).apply)
      const late = await opened.prepare()
      const next = await opened.claim()
      await commitChunk(opened.ctx, next, (await opened.prepare()).apply)
      await assert.rejects(commitChunk(opened.ctx, stale, late.apply), LeaseLost)
      await opened.finish(next)
      assert.deepEqual(await opened.output(), secrets)
    })

    test('a part holds no more than a statement takes, however long keys are', async () => {
      const secrets = keysNamed('long', 400).map((key) => key.padEnd(4_096, 'x'))
      await using opened = await open(secrets)
      await opened.finish(await opened.claim())
      assert.deepEqual(await opened.output(), secrets)
      const [part] = await opened.store.sql.query<{ parts: number; longest: number }>(
        'SELECT COUNT(*) AS parts, MAX(LENGTH(sealed)) AS longest FROM task_outputs',
      )
      assert.ok(part !== undefined && part.parts === 4 && part.longest < 600_000, JSON.stringify(part))
    })
  })
