import type { AdminToken, AdminTokenCreate } from '@gpt-load/contracts/api/admin-token'
import { scopes, type Scope } from '@gpt-load/contracts/api/endpoint'
import { isUniqueViolation } from '@gpt-load/database/database-errors'
import type { Actor } from '../admin-keys.ts'
import { authorise } from '../authorise.ts'
import { ApiProblem, wrongField } from '../http/api-problem.ts'
import { fromInstant } from '../instant.ts'
import { keyHint } from '@gpt-load/contracts/key-hint'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { commitChange } from '../truth/commit.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { adminTokenColumns, toAdminToken, type AdminTokenRow } from './admin-token-answer.ts'
import { adminTokenPrefix } from '@gpt-load/contracts/api/admin-token'
import { generateAdminToken, hashAdminToken } from './admin-token.ts'

export async function createAdminToken({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'createAdminToken'>, 'body'>
}): Promise<VerbAnswer<AdminToken & { token: string }>> {
  authorise(ctx, 'createAdminToken')
  const { body } = input
  refuseMoreThanOwn(ctx.actor, body.scopes)
  if (body.expires_at && fromInstant(body.expires_at) <= ctx.clock.nowMs())
    throw wrongField('/expires_at', 'lies in the past')
  const token = generateAdminToken()
  const { result: row } = await nameTakenAsProblem(() =>
    commitChange({ ctx }, (tx) => insertToken(tx, ctx.actor, body, token)),
  )
  return { value: { ...toAdminToken(row), token } }
}

/** Nobody hands out what they may not do themselves. */
function refuseMoreThanOwn(actor: Actor, wanted: readonly Scope[]): void {
  const excess = wanted.filter((scope) => !actor.scopes.has(scope))
  if (excess.length > 0) throw new ApiProblem('forbidden', `You have no scope "${excess.join('", "')}" to give.`)
}

async function insertToken(
  tx: ChangeTransaction,
  actor: Actor,
  body: AdminTokenCreate,
  token: string,
): Promise<AdminTokenRow> {
  const hash = hashAdminToken(token)
  const granted = scopes.filter((scope) => body.scopes.includes(scope)).join(' ')
  const hint = `${adminTokenPrefix}${keyHint(token.slice(adminTokenPrefix.length))}`
  const expiresAt = body.expires_at ? fromInstant(body.expires_at) : 0
  await tx.sql.execute(
    'INSERT INTO admin_tokens (name, hash, hint, scopes, expires_at, created_by, created_at, last_used_at) VALUES (?, ?, ?, ?, ?, ?, ?, 0)',
    [body.name, hash, hint, granted, expiresAt, actor.name.slice(0, 100), tx.nowMs],
  )
  const [row] = await tx.sql.query<AdminTokenRow>(`SELECT ${adminTokenColumns} FROM admin_tokens WHERE hash = ?`, [
    hash,
  ])
  if (row === undefined) throw new Error('an admin token is missing right after it was written')
  const detail = { name: body.name, scopes: granted, expires_at: body.expires_at ?? null }
  tx.audit({ action: 'admin_token.create', entity: 'admin_token', entityId: row.id, detail })
  return row
}

async function nameTakenAsProblem<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    throw new ApiProblem('duplicate', 'Another admin token has this name.', {
      errors: [{ pointer: '/name', detail: 'is taken by another admin token' }],
      cause: error,
    })
  }
}
