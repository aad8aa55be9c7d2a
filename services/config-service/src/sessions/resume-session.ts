import type { Credential } from '../admin-keys.ts'
import type { Services } from '../services.ts'
import { seenIntervalMs, sessionExpiry } from './session-lifetime.ts'
import { hashSessionToken, isSessionToken } from './session-token.ts'

/** A session that is open: not expired, and the credential that opened it is still what it was. */
export type OpenSession = { id: number; actor: Credential; expiresAtMs: number }

type SessionRow = { id: number; credential: string; created_at: number; seen_at: number; expires_at: number }

/** null = there is none, whatever the reason. What it may do is what its credential may do now. */
export async function resumeSession(
  services: Pick<Services, 'store' | 'clock' | 'adminKeys'>,
  token: string,
): Promise<OpenSession | null> {
  if (!isSessionToken(token)) return null
  const { store, clock, adminKeys } = services
  const [row] = await store.sql.query<SessionRow>(
    'SELECT id, credential, created_at, seen_at, expires_at FROM sessions WHERE hash = ?',
    [hashSessionToken(token)],
  )
  const nowMs = clock.nowMs()
  if (row === undefined || row.expires_at <= nowMs) return null
  const actor = await adminKeys.find(row.credential)
  if (actor === null) return null
  if (nowMs - row.seen_at < seenIntervalMs) return { id: row.id, actor, expiresAtMs: row.expires_at }
  const expiresAtMs = sessionExpiry(row.created_at, nowMs)
  await store.sql.execute('UPDATE sessions SET seen_at = ?, expires_at = ? WHERE id = ?', [nowMs, expiresAtMs, row.id])
  return { id: row.id, actor, expiresAtMs }
}
