import type { AccessKey } from '@gpt-load/contracts/api/access-key'
import { accessKeyTokenSchema } from '@gpt-load/contracts/group-shape'
import { toAccessKey } from '../access-keys/access-key-answer.ts'
import { wrongField } from '../http/api-problem.ts'
import type { VerbContext } from '../verb.ts'
import { callVerb, type RouteCall } from './gpt-load-route.ts'

/**
 * GPT-Load's `proxy_keys`, one text of tokens between commas, over access keys: those of a group open that group by name, the
 * system's open all groups. Tokens are stored as hashes only, so what is shown are masks; a mask that comes back keeps its
 * key, another token opens the scope (a new access key, or one that there is), a missing one is shut out of the scope.
 */
export type ProxyKeyScope = { kind: 'group'; id: number; name: string } | { kind: 'all' }

/** The id makes it exact. Commas separate: a token may hold one. */
export function maskOf({ hint }: AccessKey): string {
  return hint.replaceAll(',', '·')
}

export function joinMasks(accessKeys: readonly AccessKey[]): string {
  return accessKeys.map(maskOf).join(',')
}

/** By group id. */
export async function accessKeysOfGroups(
  { store }: VerbContext,
  groupIds: readonly number[],
): Promise<Map<number, AccessKey[]>> {
  const rows = await store.database.accessKey.findMany({
    where: { all_groups: false, groups: { some: { group_id: { in: [...groupIds] } } } },
    include: { groups: true },
    orderBy: { id: 'asc' },
  })
  const accessKeys = rows.map(toAccessKey)
  return new Map(groupIds.map((id) => [id, accessKeys.filter(({ group_ids: ids }) => ids.includes(id))]))
}

export async function accessKeysOfScope(ctx: VerbContext, scope: ProxyKeyScope): Promise<AccessKey[]> {
  if (scope.kind === 'group') return (await accessKeysOfGroups(ctx, [scope.id])).get(scope.id) ?? []
  const rows = await ctx.store.database.accessKey.findMany({
    where: { all_groups: true },
    include: { groups: true },
    orderBy: { id: 'asc' },
  })
  return rows.map(toAccessKey)
}

export type ProxyKeysPlan = { tokens: string[]; dropped: AccessKey[] }

/** What a text asks for. Throws a problem for what can be no token, before anything is written. */
export function planProxyKeys(text: string, stored: readonly AccessKey[]): ProxyKeysPlan {
  const wanted = new Set(
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  )
  const dropped = stored.filter((accessKey) => !wanted.delete(maskOf(accessKey)))
  const tokens = [...wanted]
  for (const token of tokens) {
    const problem = accessKeyTokenSchema.safeParse(token).error?.issues[0]?.message
    if (problem !== undefined) throw wrongField('/proxy_keys', problem)
  }
  return { tokens, dropped }
}

export async function applyProxyKeys(
  call: RouteCall<unknown>,
  scope: ProxyKeyScope,
  { tokens, dropped }: ProxyKeysPlan,
): Promise<void> {
  const kept = new Set<number>()
  for (const token of tokens) kept.add(await openScope(call, scope, token))
  for (const accessKey of dropped) if (!kept.has(accessKey.id)) await shutOut(call, scope, accessKey)
}

/** Answers the id of the access key that has the token. */
async function openScope(call: RouteCall<unknown>, scope: ProxyKeyScope, token: string): Promise<number> {
  const { store, keyring } = call.ctx
  const row = await store.database.accessKey.findUnique({
    where: { hash: keyring.hashToken(token) },
    include: { groups: true },
  })
  if (row === null) return createFor(call, scope, token)
  const accessKey = toAccessKey(row)
  if (!accessKey.all_groups) await patchAccessKey(call, accessKey.id, openedFor(accessKey, scope))
  return accessKey.id
}

async function createFor(call: RouteCall<unknown>, scope: ProxyKeyScope, token: string): Promise<number> {
  const opens = scope.kind === 'all' ? { all_groups: true } : { group_ids: [scope.id] }
  const name = scope.kind === 'all' ? 'proxy_keys' : `proxy_keys of ${scope.name}`.slice(0, 100)
  const { value } = await callVerb(call, 'createAccessKey', { body: { name, key: token, ...opens } })
  return value.id
}

function openedFor({ group_ids: ids }: AccessKey, scope: ProxyKeyScope): object {
  if (scope.kind === 'all') return { all_groups: true }
  return { group_ids: [...new Set([...ids, scope.id])] }
}

/** The key stays, so that what it was used for can still be looked up; it opens one scope less. */
async function shutOut(call: RouteCall<unknown>, scope: ProxyKeyScope, accessKey: AccessKey): Promise<void> {
  const { id, group_ids: ids, default_group_id: defaultId } = accessKey
  if (scope.kind === 'all') {
    await patchAccessKey(call, id, { all_groups: false, default_group_id: null })
    return
  }
  await patchAccessKey(call, id, {
    group_ids: ids.filter((groupId) => groupId !== scope.id),
    ...(defaultId === scope.id ? { default_group_id: null } : {}),
  })
}

async function patchAccessKey(call: RouteCall<unknown>, id: number, body: object): Promise<void> {
  await callVerb(call, 'updateAccessKey', { params: { id }, body })
}
