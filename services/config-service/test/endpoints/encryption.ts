import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { rotationAnnounceMs } from '@gpt-load/contracts/api/encryption'
import type { DatabaseConnection } from '@gpt-load/database/create-database'
import { WrongMasterKeyError } from '@gpt-load/database/data-key'
import { openKeyring } from '@gpt-load/database/keyring'
import { openProviderKey } from '@gpt-load/database/row-secrets'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import { until } from '@gpt-load/testkit/until'
import { startRotationJob } from '../../src/encryption/run-rotation.ts'
import { openApi, type OpenedApi } from '../support/open-api.ts'
import { openStore } from '../support/open-stores.ts'
import { keyLines, newGroup, startImport, succeeded } from '../support/tasks.ts'

/** The key that openApi starts with, and what it is changed into. */
const formerKey = 'a master key of enough length'
const newKey = 'another master key of enough length'

export function describeEncryption(api: () => Promise<OpenedApi>, connect: () => Promise<DatabaseConnection>): void {
  describe('rotation of the encryption key', () => {
    const secretsOf = async ({ store }: OpenedApi) =>
      store.sql.query<{ hash: Buffer; secret: Buffer }>('SELECT hash, secret FROM provider_keys ORDER BY id')
    const state = async ({ operate }: OpenedApi) => (await operate('getEncryption')).body.rotation?.state
    const announcedLongAgo = ({ store }: OpenedApi) =>
      store.sql.execute('UPDATE encryption_rotations SET created_at = created_at - ?', [rotationAnnounceMs])

    test('before the new data key is used it is announced', async () => {
      const opened = await api()
      const before = (await opened.operate('getEncryption')).body
      assert.deepEqual([before.data_key_id, before.needs_former_key, before.rotation], [1, false, null])
      const { body } = await opened.operate('rotateEncryption')
      assert.deepEqual([body.state, body.data_key_id, body.finished_at], ['announced', 2, null])
      assert.equal((await opened.operate('getEncryption')).body.data_key_id, 1)
    })

    test('everything is sealed anew while keys are imported and shown; then the new key alone opens it', async () => {
      const connection = await connect()
      await using former = await openApi(connection)
      const settings = { proxy_url: 'http://user:rotated-pa55word@proxy.example' }
      const id = await newGroup(former, 'rotated', {
        settings,
        header_rules: [{ key: 'X-A', value: 'rotated-header', action: 'set' }],
        upstreams: [{ url: 'https://user:rotated-url@api.example.com' }],
      })
      await succeeded(former, await startImport(former, id, keyLines('before', 3_000)))
      const { items } = (await former.operate('listKeys', { params: { id }, query: 'limit=1' })).body
      const reveal = async (api: OpenedApi) =>
        (await api.operate('revealKey', { params: { id: items[0].id } })).body.key as string
      const key = await reveal(former)

      await using rotating = await openApi(connection, { masterKeys: { masterKey: newKey, former: formerKey } })
      assert.equal((await rotating.operate('getEncryption')).body.needs_former_key, true)
      const { body: rotation } = await rotating.operate('rotateEncryption')
      assert.equal((await rotating.call('/api/v1/encryption/rotate', { method: 'POST' })).status, 409)
      // One that has only the former key starts and seals while it lasts.
      await using late = await openApi(connection)
      const importing = startImport(late, id, keyLines('meanwhile', 5_000))
      await announcedLongAgo(rotating)
      await until(async () => (await state(rotating)) === 'succeeded', { what: 'the rotation', timeoutMs: 60_000 })
      await succeeded(late, await importing)
      assert.equal(await reveal(former), key)
      const { body } = await rotating.operate('getEncryption')
      assert.deepEqual(
        [body.data_key_id, body.needs_former_key, body.rotation.failed, body.rotation.resealed >= 3_004],
        [rotation.data_key_id, false, 0, true],
      )

      const store = openStore(connection)
      try {
        await assert.rejects(openKeyring({ database: store, masterKey: formerKey }), WrongMasterKeyError)
      } finally {
        await store.close()
      }
      await using after = await openApi(connection, { masterKeys: { masterKey: newKey } })
      const rows = await secretsOf(after)
      const opened = rows.map(({ hash, secret }) => openProviderKey(after.keyring, hash, secret))
      assert.deepEqual([opened.length, opened.includes(key)], [8_000, true])
      const resealed = rows.filter(({ secret }) => secret.readUInt32BE(1) === rotation.data_key_id)
      assert.ok(resealed.length >= 3_000, String(resealed.length))
      const group = (await after.operate('getGroup', { params: { id } })).body
      assert.deepEqual([group.header_rules[0].key, group.settings.proxy_url !== undefined], ['X-A', true])
      const [entry] = (await after.operate('listAudit', { query: 'limit=200' })).body.items.filter(
        (one: { action: string }) => one.action === 'encryption.rotate',
      )
      assert.equal(entry.entity_id, String(rotation.data_key_id))
    })

    test('one that is killed in the middle is completed by another replica, behind the last chunk', async () => {
      const connection = await connect()
      await using first = await openApi(connection)
      const id = await newGroup(first, 'killed')
      await succeeded(first, await startImport(first, id, keyLines('killed', 6_000)))
      await first.operate('rotateEncryption')
      await first.service.close()
      await announcedLongAgo(first)

      // Dies within a chunk: the process is away in the middle of its transaction.
      let chunks = 0
      const dying: OpenedApi['store'] = {
        ...first.store,
        write: (work) =>
          first.store.write(async (tx) => {
            const result = await work(tx)
            chunks += 1
            if (chunks === 4) throw new Error('killed')
            return result
          }),
      }
      const errors: unknown[] = []
      const logger = { ...quietLogger, error: (fields: unknown) => void errors.push(fields) }
      const clock = createSystemClock()
      const job = startRotationJob({
        store: dying,
        keyring: first.keyring,
        clock,
        logger: { ...logger, child: () => logger },
      })
      await until(() => errors.length > 0, { what: 'the death of the first', timeoutMs: 15_000 })
      await job.stop()
      const sealedAnew = async () =>
        (await secretsOf(first)).filter(({ secret }) => secret.readUInt32BE(1) === 2).length
      const done = await sealedAnew()
      assert.ok(done > 0 && done < 6_000, String(done))

      await using second = await openApi(connection)
      await until(async () => (await state(second)) === 'succeeded', {
        what: 'the second to end it',
        timeoutMs: 60_000,
      })
      assert.equal(await sealedAnew(), 6_000)
      const { rotation } = (await second.operate('getEncryption')).body
      assert.ok(rotation.resealed < 6_020, String(rotation.resealed))
    })

    test('what is sealed with a former data key keeps it: an export, and a damaged value, which is counted and left', async () => {
      const connection = await connect()
      await using opened = await openApi(connection)
      const id = await newGroup(opened, 'damaged')
      await succeeded(opened, await startImport(opened, id, keyLines('damaged', 3)))
      const rotate = async () => {
        await opened.operate('rotateEncryption')
        await announcedLongAgo(opened)
        await until(async () => (await state(opened)) === 'succeeded', { what: 'the rotation', timeoutMs: 30_000 })
        return (await opened.operate('getEncryption')).body
      }
      const dataKeys = async () =>
        (await opened.store.sql.query<{ id: number }>('SELECT id FROM data_keys ORDER BY id')).map((row) => row.id)
      assert.equal((await rotate()).rotation.failed, 0)
      assert.equal((await rotate()).rotation.failed, 0)
      assert.deepEqual(await dataKeys(), [2, 3])
      const exporting = await opened.operate('startKeyExport', {
        params: { id },
        body: { filter: {}, content: 'plain' },
      })
      const { id: task } = await succeeded(opened, exporting.body.id)
      await rotate()
      await rotate()
      assert.deepEqual(await dataKeys(), [3, 4, 5], 'an export is sealed with the first')
      const { text } = await opened.call(`/api/v1/tasks/${task}/output`)
      assert.equal(text, keyLines('damaged', 3))
      const [row] = await secretsOf(opened)
      const damaged = Buffer.from(row!.secret)
      damaged[30] = damaged[30]! ^ 1
      await opened.store.sql.execute('UPDATE provider_keys SET secret = ? WHERE hash = ?', [damaged, row!.hash])
      const { rotation, data_key_id: active } = await rotate()
      assert.deepEqual([rotation.failed, active, await dataKeys()], [1, 6, [3, 4, 5, 6]])
      assert.deepEqual((await secretsOf(opened))[0]?.secret, damaged)
    })
  })
}

const nothing = (): void => {}
const quietLogger: Logger = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  fatal: nothing,
  child: () => quietLogger,
}
