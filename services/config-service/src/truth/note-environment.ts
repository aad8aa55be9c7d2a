import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import type { Clock } from '@gpt-load/service-kit/clock'
import { commitChange } from './commit.ts'
import { isProxyOpenToAdminKey, type RecordContext } from './policy-records.ts'

/**
 * What edges hold of this process' environment (settings, AUTH_KEY where it opens the proxy) changes with a restart only, and
 * nothing is committed by that. So a digest of it is kept: a start with another one touches the settings, and edges that run
 * on, or start from a base of before, get what holds now.
 */
type NoteContext = { store: Pick<DatabaseHandle, 'write'>; clock: Pick<Clock, 'nowMs'> }

/** Before anything is published: the watcher finds the revision by itself. */
export async function noteEnvironment({ store, clock }: NoteContext, context: RecordContext): Promise<void> {
  const ctx = { store, clock, truth: { noticeCommit() {} }, actor: { name: 'system' }, requestId: 'startup' }
  await commitChange({ ctx }, async (tx) => {
    if (tx.sql.dialect === 'mysql') await tx.sql.query('SELECT id FROM installation WHERE id = 1 FOR UPDATE')
    const noted = await tx.database.notedEnvironment.findUnique({ where: { id: 1 } })
    const digest = digestOf(context, await isProxyOpenToAdminKey(tx.sql, context))
    if ((noted?.digest ?? '') === digest) return
    await tx.database.notedEnvironment.upsert({ where: { id: 1 }, create: { id: 1, digest }, update: { digest } })
    tx.touch('setting', [0])
  })
}

/** '' = it says nothing, as in a new installation. Over the pepper: AUTH_KEY may be one that people chose. */
function digestOf({ keyring, environmentSettings, authKeyHash }: RecordContext, isOpen: boolean): string {
  const settings = Object.entries(environmentSettings).toSorted(([a], [b]) => a.localeCompare(b))
  if (settings.length === 0 && !isOpen) return ''
  const key = isOpen && authKeyHash !== undefined ? Buffer.from(authKeyHash).toString('base64') : ''
  return Buffer.from(keyring.hashToken(JSON.stringify([settings, isOpen, key]))).toString('base64')
}
