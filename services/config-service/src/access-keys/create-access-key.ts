import { touchAccessKeys } from '../touch-entities.ts'
import type { AccessKeyCreate } from '@gpt-load/contracts/api/access-key'
import type { OperationResult } from '@gpt-load/contracts/api/endpoints'
import { isUniqueViolation } from '@gpt-load/database/database-errors'
import { authorise } from '../authorise.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { commitChange } from '../truth/commit.ts'
import { ApiProblem, notFound } from '../http/api-problem.ts'
import { fromInstant } from '../instant.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { loadAccessKeys } from './access-key-answer.ts'
import { requireGroups } from './access-key-scope.ts'
import { accessKeyHint, generateAccessKeyToken } from './access-key-token.ts'

export type NewAccessKey = AccessKeyCreate & { managed_by?: string | null }

export async function createAccessKey({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'createAccessKey'>, 'body'>
}): Promise<VerbAnswer<OperationResult<'createAccessKey'>>> {
  authorise(ctx, 'createAccessKey')
  const token = input.body.key ?? generateAccessKeyToken()
  const { result: id, revision } = await tokenTakenAsProblem(() =>
    commitChange({ ctx }, (tx) => insertAccessKey(tx, ctx, input.body, token)),
  )
  const [accessKey] = await loadAccessKeys(ctx.store.database, [id])
  if (accessKey === undefined) throw notFound('access key')
  const value = { ...accessKey, key: token }
  return { value, revision: accessKey.revision, ...(revision === null ? {} : { committed: revision }) }
}

export async function insertAccessKey(
  tx: ChangeTransaction,
  { keyring }: Pick<VerbContext, 'keyring'>,
  body: NewAccessKey,
  token: string,
): Promise<number> {
  const scope = {
    all_groups: body.all_groups,
    group_ids: body.group_ids,
    default_group_id: body.default_group_id ?? null,
  }
  await requireGroups(tx, scope)
  const { id } = await tx.database.accessKey.create({
    data: {
      name: body.name,
      hash: keyring.hashToken(token),
      hint: accessKeyHint(token),
      all_groups: scope.all_groups,
      default_group_id: scope.default_group_id,
      enabled: body.enabled,
      expires_at: body.expires_at ? fromInstant(body.expires_at) : 0,
      max_concurrent_requests: body.max_concurrent_requests ?? 0,
      max_requests_per_minute: body.max_requests_per_minute ?? 0,
      max_tokens_per_minute: body.max_tokens_per_minute ?? 0,
      note: body.note ?? '',
      managed_by: body.managed_by ?? null,
      revision: 0,
      created_at: tx.nowMs,
      updated_at: tx.nowMs,
      groups: { create: scope.group_ids.map((group_id) => ({ group_id })) },
    },
    select: { id: true },
  })
  touchAccessKeys(tx, [id])
  tx.audit({ action: 'access_key.create', entity: 'access_key', entityId: id, detail: { name: body.name, ...scope } })
  return id
}

export async function tokenTakenAsProblem<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    throw new ApiProblem('duplicate', 'Another access key has this token.', {
      errors: [{ pointer: '/key', detail: 'is the token of another access key' }],
      cause: error,
    })
  }
}
