import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { SnapshotRecord } from '@gpt-load/contracts/snapshot'
import { DatabaseUnavailable } from '@gpt-load/database/database-errors'
import { useSqlServers } from '@gpt-load/testkit/servers/test-servers'
import { until } from '@gpt-load/testkit/until'
import type { DeltaCursor } from '../../src/truth/delta-cursor.ts'
import { readBase } from '../../src/truth/read-base.ts'
import { readDelta } from '../../src/truth/read-delta.ts'
import { readPosition } from '../../src/truth/read-position.ts'
import { applySettings } from '../../src/settings/update-settings.ts'
import { adjustKeyCounts, countChanges } from '../../src/keys/adjust-key-counts.ts'
import { baseRecords, createEdgeMirror, recordsOf, type EdgeMirror } from './edge-mirror.ts'
import { clock, edgeTokens, mysqlConnection, openReplica, sqliteConnection, type Replica } from './replica.ts'
import { addAccessKey, addGroup, addKeys } from './rows.ts'

const token = edgeTokens[0]!
const dialects = [
  { name: 'SQLite', skip: false, connect: async () => sqliteConnection() },
  ...(await useSqlServers()).map(({ name, skip, createDatabase }) => ({
    name,
    skip,
    connect: async () => mysqlConnection(await createDatabase()),
  })),
]

/** One answer of at most `maxBytes`, straight from the database. */
async function pull(
  replica: Replica,
  since: number,
  cursor: DeltaCursor | null,
  maxBytes?: number,
): Promise<{ records: SnapshotRecord[]; revision: number; cursor: DeltaCursor | null } | null> {
  const { store, keyring } = replica
  const read = await store.readSnapshot((sql) =>
    readDelta(
      sql,
      { keyring, environmentSettings: {} },
      { epoch: keyring.epoch, since, cursor },
      { nowMs: Date.now(), ...(maxBytes !== undefined && { maxBytes }) },
    ),
  )
  assert.notEqual(read.kind, 'base_required')
  return read.kind === 'delta' ? read : null
}

/** Keeps a mirror up as an edge does: answers applied as they come, the revision claimed when the last one is there. */
async function follow(
  replica: Replica,
  mirror: EdgeMirror,
  from: number,
  { maxBytes, onAnswer }: { maxBytes?: number; onAnswer?: () => void } = {},
): Promise<number> {
  let cursor: DeltaCursor | null = null
  for (;;) {
    const answer = await pull(replica, from, cursor, maxBytes)
    if (answer === null) return from
    for (const record of answer.records) mirror.apply(record)
    onAnswer?.()
    cursor = answer.cursor
    if (cursor === null) return answer.revision
  }
}

async function wholeTruth(replica: Replica): Promise<EdgeMirror> {
  const mirror = createEdgeMirror()
  const { store, keyring } = replica
  await store.readSnapshot(async (sql) => {
    const context = { keyring, environmentSettings: {} }
    for await (const record of readBase(sql, context, await readPosition(sql), Date.now())) mirror.apply(record)
  })
  return mirror
}

function sorted(mirror: EdgeMirror) {
  const byKey = (map: Map<unknown, unknown>) => [...map].toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1))
  const { settings, groups, accessKeys, keys, models } = mirror.state
  return { settings, groups: byKey(groups), accessKeys: byKey(accessKeys), keys: byKey(keys), models: byKey(models) }
}

/**
 * On a slow machine fifty writers and their readers may wait longer for a connection than the pool lets them (45028), or their
 * transaction may take longer than it may (P2028, or a statement that comes after its end): then nothing was begun, or nothing of it
 * stays.
 */
function nullWithoutTransaction(error: unknown): null {
  if (error instanceof DatabaseUnavailable && /45028|P2028|has ended before/.test(error.message)) return null
  throw error
}

/** A writer's random change; every kind that verbs and edges make. */
async function changeSomething(replica: Replica, writer: number, step: number): Promise<number | null> {
  const { keyring } = replica
  const { revision } = await replica.change(async (tx) => {
    const groupId =
      (await tx.database.group.findFirst({ orderBy: { id: 'asc' } }))?.id ?? (await addGroup(tx, `g${writer}`))
    const keys = await tx.sql.query<{ id: number; state: string }>(
      'SELECT id, state FROM provider_keys WHERE group_id = ? ORDER BY id LIMIT 40',
      [groupId],
    )
    const key = keys[(writer * 7 + step) % Math.max(1, keys.length)]
    switch ((writer + step) % 6) {
      case 0:
        await addKeys(tx, keyring, groupId, [`sk-${writer}-${step}-a`, `sk-${writer}-${step}-b`])
        break
      case 1:
        if (key === undefined) break
        await tx.sql.execute('UPDATE provider_keys SET failures = failures + 1, generation = ? WHERE id = ?', [
          step,
          key.id,
        ])
        tx.touch('key_state', [key.id])
        break
      case 2:
        if (key === undefined) break
        if ((await tx.sql.execute('DELETE FROM provider_keys WHERE id = ?', [key.id])) === 0) break
        await adjustKeyCounts(tx.sql, groupId, countChanges([[{ state: 'active', cause: '' }, -1]]))
        tx.touch('key', [key.id])
        break
      case 3:
        await addAccessKey(tx, keyring, `team-${writer}-${step}`)
        break
      case 4:
        await applySettings(
          tx,
          { keyring, upstreamPolicy: { allowPrivateAddresses: true } },
          {
            patch: { max_retries: (writer + step) % 10 },
            source: 'database',
            managedBy: null,
            precondition: null,
          },
        )
        break
      default:
        await tx.database.group.update({ where: { id: groupId }, data: { sort: writer * 100 + step } })
        tx.touch('group', [groupId])
        tx.stamp('groups', [groupId])
    }
    tx.audit({ action: 'test.change', entity: 'test', entityId: writer, detail: { step } })
  })
  return revision
}

for (const { name, skip, connect } of dialects) {
  describe(name, { skip }, () => {
    test('2 replicas, 50 concurrent writers: revisions are dense and no delta misses a change', async () => {
      await using connection = await connect()
      await using first = await openReplica(connection)
      await using second = name === 'SQLite' ? first : await openReplica(connection)
      await first.change((tx) => addGroup(tx, 'main'))
      let isWriting = true
      const mirrors = [createEdgeMirror(), createEdgeMirror(), createEdgeMirror()]
      const followers = mirrors.map(async (mirror, index) => {
        const replica = index % 2 === 0 ? first : second
        let revision = 0
        let answers = 0
        const count = () => void (isWriting && answers++)
        while (isWriting) {
          // The third takes many small answers to reach a revision, and others commit between them.
          const options = { ...(index === 2 && { maxBytes: 400 }), onAnswer: count }
          // What was applied of an answer that broke off is applied again.
          const reached = await follow(replica, mirror, revision, options).catch(nullWithoutTransaction)
          revision = reached ?? revision
          await setImmediate()
        }
        return { revision: await follow(replica, mirror, revision), answers }
      })
      const writing = Promise.all(
        Array.from({ length: 50 }, async (_, writer) => {
          const revisions: number[] = []
          for (let step = 0; step < 6; step++) {
            const changing = changeSomething(writer % 2 === 0 ? first : second, writer, step)
            const revision = await changing.catch(nullWithoutTransaction)
            if (revision !== null) revisions.push(revision)
          }
          return revisions
        }),
      ).finally(() => (isWriting = false))
      // A writer that failed is the failure to show, when nobody reads any more; not one that lost its pool to a reader's failure.
      writing.catch(() => undefined)
      const ends = await Promise.all(followers)
      const committed = await writing

      const revisions = committed.flat().toSorted((a, b) => a - b)
      assert.ok(revisions.length > 100, `${revisions.length} changes`)
      assert.deepEqual(
        revisions,
        Array.from({ length: revisions.length }, (_, index) => index + 2),
      )
      for (const own of committed)
        assert.deepEqual(
          own,
          own.toSorted((a, b) => a - b),
        )
      const logged = await first.store.sql.query<{ revision: number }>(
        'SELECT DISTINCT revision FROM change_log ORDER BY revision',
      )
      assert.deepEqual(
        logged.map(({ revision }) => revision),
        [1, ...revisions],
      )

      const truth = await wholeTruth(first)
      const { total } = await first.truth.stateHash()
      for (const [index, mirror] of mirrors.entries()) {
        assert.equal(ends[index]?.revision, revisions.at(-1))
        assert.ok((ends[index]?.answers ?? 0) > 3, 'the mirror followed while others wrote')
        assert.deepEqual(sorted(mirror), sorted(truth))
        assert.equal(mirror.stateHash(), total)
      }
    })

    test('deltas from any point, in answers of any size, lead to the same state', async () => {
      await using connection = await connect()
      await using replica = await openReplica(connection)
      await replica.change((tx) => addGroup(tx, 'main'))
      const stops: { revision: number; mirror: EdgeMirror }[] = [{ revision: 0, mirror: createEdgeMirror() }]
      for (let step = 0; step < 60; step++) {
        await changeSomething(replica, step % 11, step)
        if (step % 13 !== 0) continue
        const mirror = createEdgeMirror()
        stops.push({ revision: await follow(replica, mirror, 0), mirror })
      }
      const { revision: end } = await replica.truth.position()
      const truth = sorted(await wholeTruth(replica))
      for (const { revision, mirror } of stops) {
        assert.ok(revision < end)
        const maxBytes = [200, 1_000, undefined][revision % 3]
        assert.equal(await follow(replica, mirror, revision, maxBytes === undefined ? {} : { maxBytes }), end)
        assert.deepEqual(sorted(mirror), truth)
      }
    })

    test('a base and a later delta are the same as the truth, over the internal API', async () => {
      await using connection = await connect()
      await using replica = await openReplica(connection)
      const { truth, keyring } = replica
      await until(() => truth.internalApi.manifest(), { what: 'the first base' })
      const { result: groupId } = await replica.change((tx) => addGroup(tx, 'main'))
      await replica.change((tx) => addKeys(tx, keyring, groupId, ['sk-one', 'sk-two']))
      const mirror = createEdgeMirror()
      const base = await baseRecords(truth.internalApi, edgeTokens[1]!)
      for (const record of base) mirror.apply(record)
      const meta = base[0]
      assert.ok(meta?.t === 'meta' && meta.pepper === Buffer.from(keyring.pepper).toString('base64'))
      const delta = await truth.internalApi.delta({ epoch: keyring.epoch, since: meta.revision })
      assert.ok(delta.kind === 'delta')
      for (const record of await recordsOf(delta, token)) mirror.apply(record)
      assert.deepEqual(sorted(mirror), sorted(await wholeTruth(replica)))
      assert.deepEqual(await truth.internalApi.delta({ epoch: keyring.epoch, since: delta.revision }), {
        kind: 'unchanged',
      })
      const other = await truth.internalApi.delta({ epoch: '0'.repeat(32), since: 0 })
      assert.deepEqual(other, { kind: 'base_required' })
    })

    test('every replica has the newest base at hand before an edge asks for one', async () => {
      await using connection = await connect()
      await using builder = await openReplica(connection)
      await using other = await openReplica(connection)
      for (const { cacheDir } of [builder, other])
        await until(() => readdirSync(cacheDir).some((name) => /^base-.*-\d+\.bin$/.test(name)), { what: 'its file' })
    })

    test('a revocation overtakes an import that takes many answers', async () => {
      await using connection = await connect()
      await using replica = await openReplica(connection)
      const { keyring } = replica
      const { result: groupId } = await replica.change((tx) => addGroup(tx, 'main'))
      const { result: accessKeyId } = await replica.change((tx) => addAccessKey(tx, keyring, 'team-a'))
      const { result: early } = await replica.change((tx) => addKeys(tx, keyring, groupId, ['sk-early']))
      const { revision: since } = await replica.truth.position()
      for (let chunk = 0; chunk < 8; chunk++)
        await replica.change((tx) =>
          addKeys(
            tx,
            keyring,
            groupId,
            Array.from({ length: 500 }, (_, index) => `sk-${chunk}-${index}-${'x'.repeat(40)}`),
          ),
        )
      const first = await pull(replica, since, null, 100_000)
      assert.ok(first?.cursor)
      await replica.change(async (tx) => {
        await tx.database.accessKey.update({ where: { id: accessKeyId }, data: { enabled: false } })
        tx.touch('access_key', [accessKeyId])
      })
      await replica.change(async (tx) => {
        await tx.sql.execute("UPDATE provider_keys SET state = 'disabled', generation = 1 WHERE id = ?", [early[0]!])
        tx.touch('key_state', early)
      })
      const second = await pull(replica, since, first.cursor, 100_000)
      assert.ok(second?.cursor, 'the import goes on')
      const [meta, revoked, disabled] = second.records
      assert.ok(meta?.t === 'meta' && meta.revision === since, 'nothing is claimed before the import is whole')
      assert.ok(revoked?.t === 'access_key' && revoked.enabled === false)
      assert.ok(disabled?.t === 'key_states' && disabled.rows[0]?.[0] === early[0])

      const mirror = createEdgeMirror()
      assert.equal(await follow(replica, mirror, 0, { maxBytes: 100_000 }), since + 10)
      assert.deepEqual(sorted(mirror), sorted(await wholeTruth(replica)))
    })

    test('what touches nothing has no revision, and a failure leaves no trace', async () => {
      await using connection = await connect()
      await using replica = await openReplica(connection)
      assert.equal((await replica.change(async () => 'nothing')).revision, null)
      const failing = replica.change(async (tx) => {
        await addGroup(tx, 'lost')
        throw new Error('no')
      })
      await assert.rejects(failing, /^Error: no$/)
      const { revision } = await replica.change(async (tx) => {
        const id = await addGroup(tx, 'kept')
        tx.audit({ action: 'group.create', entity: 'group', entityId: id, detail: { text: 'x'.repeat(20_000) } })
        return id
      })
      assert.equal(revision, 1)
      const group = await replica.store.database.group.findFirstOrThrow()
      assert.equal(group.revision, 1n)
      const audit = await replica.store.database.auditEntry.findMany()
      assert.equal(audit.length, 1)
      assert.ok(JSON.parse(audit[0]!.detail) && audit[0]!.detail.length < 8_192 && audit[0]!.actor === 'tester')
      assert.equal(await replica.store.database.changeLog.count(), 1)
    })

    test('an edge that has seen more than the database holds proves a restored backup: a new epoch begins, once', async () => {
      await using connection = await connect()
      await using first = await openReplica(connection)
      await using second = name === 'SQLite' ? first : await openReplica(connection)
      await first.change((tx) => addGroup(tx, 'main'))
      const { epoch, revision } = await first.truth.position()
      const claim = (replica: Replica, since: number) => replica.truth.internalApi.delta({ epoch, since })
      const epochs = async () => [(await first.truth.position()).epoch, first.keyring.epoch, second.keyring.epoch]

      // Reads that lag behind another server's commit are no restore.
      await claim(first, revision + 1)
      await first.change((tx) => addGroup(tx, 'next'))
      await claim(first, revision)
      await clock.sleep(1_300)
      assert.deepEqual(await epochs(), [epoch, epoch, epoch])

      assert.deepEqual(await claim(first, revision + 9), { kind: 'base_required' })
      await claim(second, revision + 9)
      await until(async () => (await epochs()).every((now) => now !== epoch), {
        what: 'the new epoch',
        timeoutMs: 5_000,
      })
      const [renewed] = await epochs()
      assert.deepEqual(await epochs(), [renewed, renewed, renewed])
      const late = await first.truth.internalApi.keyEvents({ edge: 'e', instance: 'i', epoch, number: 1, events: [] })
      assert.deepEqual(late, { kind: 'other_epoch', epoch: renewed })
      const manifest = await until(() => first.truth.internalApi.manifest(), {
        what: 'a base of it',
        timeoutMs: 10_000,
      })
      assert.equal(manifest.epoch, renewed)
    })

    test('a group that is gone takes its keys along, and they are in no base', async () => {
      await using connection = await connect()
      await using replica = await openReplica(connection)
      const { result: groupId } = await replica.change((tx) => addGroup(tx, 'main'))
      await replica.change((tx) => addKeys(tx, replica.keyring, groupId, ['sk-one']))
      const mirror = createEdgeMirror()
      const revision = await follow(replica, mirror, 0)
      await replica.change(async (tx) => {
        await tx.database.group.delete({ where: { id: groupId } })
        tx.touch('group', [groupId])
      })
      await follow(replica, mirror, revision)
      const late = createEdgeMirror()
      await follow(replica, late, 0)
      for (const each of [mirror, late, await wholeTruth(replica)])
        assert.deepEqual([each.state.groups.size, each.state.keys.size], [0, 0])
      assert.equal((await replica.truth.stateHash()).total, createEdgeMirror().stateHash())
    })
  })
}
