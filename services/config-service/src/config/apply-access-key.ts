import type { AccessKeyConfig } from '@gpt-load/contracts/config-file'
import { accessKeyHint } from '../access-keys/access-key-token.ts'
import { insertAccessKey, tokenTakenAsProblem, type NewAccessKey } from '../access-keys/create-access-key.ts'
import { pickLimits } from '../access-keys/access-key-limits.ts'
import { applyAccessKeyChange, type AccessKeyChange } from '../access-keys/update-access-key.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { commitChange } from '../truth/commit.ts'
import type { ChangeContext } from '../verb.ts'
import type { Outcome } from './apply-outcome.ts'

/** One access key of a file: found by its name, else by its token (it was renamed), else created. */
export async function applyAccessKey(
  ctx: ChangeContext,
  options: { accessKey: AccessKeyConfig; groupIds: ReadonlyMap<string, number>; managedBy: string },
): Promise<Outcome> {
  const { accessKey, groupIds, managedBy } = options
  const fields = accessKeyFields(accessKey, groupIds, managedBy)
  const hash = ctx.keyring.hashToken(accessKey.key)
  const token = { hash, hint: accessKeyHint(accessKey.key) }
  const { result: kind, revision } = await tokenTakenAsProblem(() =>
    commitChange({ ctx }, async (tx): Promise<Outcome['kind']> => {
      const id = await findAccessKeyId(tx, accessKey.name, hash)
      if (id === undefined) {
        await insertAccessKey(tx, ctx, { enabled: true, ...fields } as NewAccessKey, accessKey.key)
        return 'created'
      }
      const fitting = await withFittingDefault(tx, id, fields)
      return (await applyAccessKeyChange(tx, id, null, { ...fitting, token })) ? 'changed' : 'unchanged'
    }),
  )
  return { kind, revision }
}

export function accessKeyFields(
  accessKey: AccessKeyConfig,
  groupIds: ReadonlyMap<string, number>,
  managedBy: string,
): AccessKeyChange {
  const { name, groups, default_group: defaultGroup, enabled, expires_at: expiresAt, note } = accessKey
  const opensAll = groups.includes('*')
  const ids = opensAll ? [] : [...new Set(groups)].map((group) => groupIds.get(group) ?? 0)
  return {
    name,
    all_groups: opensAll,
    group_ids: ids,
    managed_by: managedBy,
    ...(defaultGroup === undefined ? {} : { default_group_id: groupIds.get(defaultGroup) ?? 0 }),
    ...(enabled === undefined ? {} : { enabled }),
    ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
    ...pickLimits(accessKey),
    ...(note === undefined ? {} : { note }),
  }
}

/** A default group that the file does not name stays, unless the key does not open it any more. */
export async function withFittingDefault(
  { database }: Pick<ChangeTransaction, 'database'>,
  id: number,
  fields: AccessKeyChange,
): Promise<AccessKeyChange> {
  if (fields.default_group_id !== undefined || fields.all_groups === true) return fields
  const row = await database.accessKey.findUnique({ where: { id }, select: { default_group_id: true } })
  const stored = row?.default_group_id ?? null
  return stored === null || fields.group_ids?.includes(stored) === true ? fields : { ...fields, default_group_id: null }
}

export async function findAccessKeyId(
  { database }: Pick<ChangeTransaction, 'database'>,
  name: string,
  hash: Uint8Array<ArrayBuffer>,
): Promise<number | undefined> {
  const byName = await database.accessKey.findFirst({
    where: { name },
    orderBy: { id: 'asc' },
    select: { id: true },
  })
  if (byName !== null) return byName.id
  return (await database.accessKey.findUnique({ where: { hash }, select: { id: true } }))?.id
}
