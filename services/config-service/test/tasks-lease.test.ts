import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LeaseLost } from '@gpt-load/database/database-errors'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import { useMariadb } from '@gpt-load/testkit/servers/test-servers'
import { commitChunk, type ChunkOutcome } from '../src/tasks/commit-chunk.ts'
import { insertTask } from '../src/tasks/create-task.ts'
import { endBrokenImports, removeOldTasks, removeTaskInputs } from '../src/tasks/remove-task-rows.ts'
import { claimTask, isAnyTaskWaiting, releaseTask } from '../src/tasks/task-lease.ts'
import { findTask } from '../src/tasks/task-row.ts'
import { dialectsOf } from './support/open-stores.ts'
import { openReplica } from './truth/replica.ts'
import type { VerbContext } from '../src/verb.ts'

const clock = createSystemClock()
const never = AbortSignal.timeout(600_000)

for (const [name, connect] of Object.entries(dialectsOf(useMariadb())))
  describe(`leases of tasks on ${name}`, () => {
    /** What the functions under test take of a context; no runner is at work here. */
    const open = async () => {
      const replica = await openReplica(await connect())
      const { store, keyring, truth } = replica
      const actor = { name: 'tester', scopes: new Set() }
      const ctx = { store, keyring, truth, clock, actor, requestId: 'r1' } as unknown as VerbContext
      const add = (state: 'queued' | 'receiving' = 'queued') =>
        store.write((transaction) =>
          insertTask(transaction, ctx, {
            kind: 'delete',
            groupId: 1,
            state,
            parameters: { selection: { filter: {} } },
            endPosition: 10,
            total: 10,
          }),
        )
      const expire = () => store.sql.execute('UPDATE tasks SET lease_until = 0')
      return { replica, store, ctx, add, expire, [Symbol.asyncDispose]: () => replica[Symbol.asyncDispose]() }
    }
    const chunk = (position: number, isLast = false): ChunkOutcome => ({
      position,
      isLast,
      succeeded: 0,
      skipped: 3,
      failed: 0,
      problems: [],
    })
    const held = <T>(value: T | null): T => {
      assert.ok(value !== null)
      return value
    }

    test('one of two that want a task gets it, the other gets the next one', async () => {
      await using opened = await open()
      const ids = [await opened.add(), await opened.add()]
      const claimed = await Promise.all([claimTask(opened.store), claimTask(opened.store), claimTask(opened.store)])
      const taken = claimed.flatMap((lease) => (lease === null ? [] : [lease.taskId])).toSorted((a, b) => a - b)
      assert.equal(new Set(taken).size, taken.length)
      if (taken.length < 2) taken.push(held(await claimTask(opened.store)).taskId)
      assert.deepEqual(
        taken.toSorted((a, b) => a - b),
        ids,
      )
      assert.equal(await claimTask(opened.store), null)
    })

    test('who lost the lease writes nothing more: neither the change nor the progress', async () => {
      await using opened = await open()
      const id = await opened.add()
      const stale = held(await claimTask(opened.store))
      await commitChunk(opened.ctx, stale, async () => chunk(3))
      await opened.expire()
      const next = held(await claimTask(opened.store))
      await commitChunk(opened.ctx, next, async () => chunk(6))
      await assert.rejects(
        commitChunk(opened.ctx, stale, async (tx) => {
          await tx.sql.execute('DELETE FROM tasks')
          return chunk(6)
        }),
        LeaseLost,
      )
      const row = await findTask(opened.store.sql, id)
      assert.deepEqual([row?.position, row?.skipped, row?.state], [6, 6, 'running'])
    })

    test('a chunk that fails half-way leaves neither change nor progress', async () => {
      await using opened = await open()
      const id = await opened.add()
      const lease = held(await claimTask(opened.store))
      await assert.rejects(
        commitChunk(opened.ctx, lease, async (tx) => {
          await tx.sql.execute('UPDATE tasks SET succeeded = 99 WHERE id = ?', [id])
          throw new Error('killed')
        }),
        /killed/,
      )
      const row = await findTask(opened.store.sql, id)
      assert.deepEqual([row?.position, row?.succeeded], [0, 0])
    })

    test('a task that was given back goes to the end of the line', async () => {
      await using opened = await open()
      await opened.add()
      const second = await opened.add()
      const lease = held(await claimTask(opened.store))
      assert.equal(await isAnyTaskWaiting(opened.store), true)
      await releaseTask(opened.store.sql, lease)
      assert.equal((await claimTask(opened.store))?.taskId, second)
      assert.equal((await claimTask(opened.store))?.taskId, lease.taskId)
      assert.equal(await isAnyTaskWaiting(opened.store), false)
    })

    test('an upload whose receiver was killed ends as failed; its input goes', async () => {
      await using opened = await open()
      const id = await opened.add('receiving')
      await opened.store.sql.execute('INSERT INTO task_inputs (task_id, ordinal, sealed) VALUES (?, 0, ?)', [
        id,
        Buffer.from('x'),
      ])
      assert.equal(await removeTaskInputs(opened.store, never), 0)
      await endBrokenImports(opened.store, clock.nowMs())
      const row = await findTask(opened.store.sql, id)
      assert.deepEqual([row?.state, row?.error], ['failed', 'The upload broke off.'])
      assert.equal(await removeTaskInputs(opened.store, never), 1)
    })

    test('tasks are removed a month after their end, open ones never', async () => {
      await using opened = await open()
      await opened.add()
      await commitChunk(opened.ctx, held(await claimTask(opened.store)), async () => chunk(10, true))
      const openOne = await opened.add()
      const laterMs = (days: number) => clock.nowMs() + days * 86_400_000
      assert.equal(await removeOldTasks(opened.store, laterMs(29), never), 0)
      assert.equal(await removeOldTasks(opened.store, laterMs(31), never), 1)
      assert.ok(await findTask(opened.store.sql, openOne))
    })
  })
