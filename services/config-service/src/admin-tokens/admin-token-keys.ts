import type { Scope } from '@gpt-load/contracts/api/endpoint'
import type { AdminKeys, Credential } from '../admin-keys.ts'
import type { Services } from '../services.ts'
import { hashAdminToken, isAdminToken } from './admin-token.ts'

/** Uses are noted at most so often, so that reading does not mean writing. */
const usedIntervalMs = 300_000
const idPrefix = 'token.'

type TokenRow = { id: number; name: string; hash: Buffer; scopes: string; expires_at: number; last_used_at: number }

/** Named tokens beside the admin key. Every use looks the row up: what was deleted or has expired opens nothing any more. */
export function withAdminTokens(primary: AdminKeys, services: Pick<Services, 'store' | 'clock'>): AdminKeys {
  return {
    async verify(token) {
      const credential = isAdminToken(token) ? await findToken(services, hashAdminToken(token)) : null
      return credential ?? primary.verify(token)
    },
    async find(id) {
      if (!id.startsWith(idPrefix)) return primary.find(id)
      return findToken(services, Buffer.from(id.slice(idPrefix.length), 'base64url'))
    },
  }
}

async function findToken(
  { store, clock }: Pick<Services, 'store' | 'clock'>,
  hash: Buffer,
): Promise<Credential | null> {
  const [row] = await store.sql.query<TokenRow>(
    'SELECT id, name, hash, scopes, expires_at, last_used_at FROM admin_tokens WHERE hash = ?',
    [hash],
  )
  const nowMs = clock.nowMs()
  if (row === undefined || (row.expires_at !== 0 && row.expires_at <= nowMs)) return null
  if (nowMs - row.last_used_at >= usedIntervalMs)
    await store.sql.execute('UPDATE admin_tokens SET last_used_at = ? WHERE id = ?', [nowMs, row.id])
  return {
    id: `${idPrefix}${hash.toString('base64url')}`,
    name: `token:${row.name}`,
    scopes: new Set(row.scopes.split(' ') as Scope[]),
  }
}
