import type { Session } from '@gpt-load/contracts/api/session'
import type { Credential } from '../admin-keys.ts'
import { isAdminToken } from '../admin-tokens/admin-token.ts'
import { tooManyFailures, unauthorized } from '../http/authenticate-admin.ts'
import { commitChange } from '../truth/commit.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { sessionExpiry } from './session-lifetime.ts'
import { generateSessionToken, hashSessionToken } from './session-token.ts'
import { toSession } from './session-answer.ts'

/** A browser's way in. Whoever holds a key of the account that is being guessed can still use it as a bearer token. */
export async function createSession({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'createSession'>, 'body' | 'client'>
}): Promise<VerbAnswer<Session>> {
  const credential = await verifyKey(ctx, input.body.key, input.client.address)
  const token = generateSessionToken()
  const hash = hashSessionToken(token)
  const { result: expiresAtMs } = await commitChange({ ctx: { ...ctx, actor: credential } }, async (tx) => {
    const expiry = sessionExpiry(tx.nowMs, tx.nowMs)
    await tx.sql.execute(
      'INSERT INTO sessions (hash, credential, created_at, seen_at, expires_at) VALUES (?, ?, ?, ?, ?)',
      [hash, credential.id, tx.nowMs, tx.nowMs, expiry],
    )
    const [row] = await tx.sql.query<{ id: number }>('SELECT id FROM sessions WHERE hash = ?', [hash])
    const detail = { address: input.client.address }
    tx.audit({ action: 'session.create', entity: 'session', entityId: row?.id ?? 0, detail })
    return expiry
  })
  return { value: toSession(credential, expiresAtMs), sessionToken: token }
}

async function verifyKey(ctx: VerbContext, key: string, address: string): Promise<Credential> {
  const { byAddress, byAccount } = ctx.throttles
  const account = isAdminToken(key) ? 'token' : 'admin'
  const waitMs = Math.max(byAddress.waitMs(address), byAccount.waitMs(account))
  if (waitMs > 0) throw tooManyFailures(waitMs)
  const credential = await ctx.adminKeys.verify(key)
  if (credential !== null) return credential
  byAddress.recordFailure(address)
  byAccount.recordFailure(account)
  throw unauthorized('This is no admin key.', [{ pointer: '/key', detail: 'is wrong' }])
}
