import type { UpstreamInput } from '@gpt-load/contracts/api/upstream'
import type { WriteTransaction } from '@gpt-load/database/database-handle'
import type { Keyring } from '@gpt-load/database/keyring'
import { openUpstreamUrl, sealUpstreamUrl } from '@gpt-load/database/row-secrets'
import { wrongField } from '../http/api-problem.ts'
import { forbiddenHostProblem } from './check-upstream-url.ts'
import { isMasked, maskUrl } from './mask-url.ts'

/**
 * Makes a group's upstreams those of the list. An upstream whose URL stays keeps its id, and with it what edges know
 * about it (circuit, weight position). Answers whether anything changed.
 */
export type StoredUpstream = { id: number; url: string; weight: number; position: number }

export type UpstreamPolicy = { allowPrivateAddresses: boolean }

type Context = { keyring: Keyring; upstreamPolicy: UpstreamPolicy }

export async function syncUpstreams(
  { database }: Pick<WriteTransaction, 'database'>,
  ctx: Context,
  change: { groupId: number; stored: readonly StoredUpstream[]; inputs: readonly UpstreamInput[]; pointer: string },
): Promise<boolean> {
  const stored = change.stored.map((row) => ({ ...row, url: openUpstreamUrl(ctx.keyring, row.url) }))
  const wanted = change.inputs.map((input, index) => ({
    url: clearUrl(input.url, stored, `${change.pointer}/${index}/url`, ctx.upstreamPolicy),
    weight: input.weight,
  }))
  if (isSameList(stored, wanted)) return false
  const free = [...stored]
  for (const [position, { url, weight }] of wanted.entries()) {
    const known = takeByUrl(free, url)
    if (known === undefined) {
      const row = { group_id: change.groupId, url: sealUpstreamUrl(ctx.keyring, url), weight, position }
      await database.upstream.create({ data: row })
    } else await database.upstream.update({ where: { id: known.id }, data: { weight, position } })
  }
  if (free.length > 0) await database.upstream.deleteMany({ where: { id: { in: free.map(({ id }) => id) } } })
  return true
}

function clearUrl(
  url: string,
  stored: readonly StoredUpstream[],
  pointer: string,
  { allowPrivateAddresses }: UpstreamPolicy,
): string {
  if (isMasked(url)) {
    const known = stored.find((upstream) => maskUrl(upstream.url) === url)
    if (known === undefined) throw wrongField(pointer, 'holds a mask, but no such URL is stored: write the whole URL')
    return known.url
  }
  const problem = forbiddenHostProblem(url, allowPrivateAddresses)
  if (problem !== null) throw wrongField(pointer, problem)
  return url
}

function isSameList(stored: readonly StoredUpstream[], wanted: readonly { url: string; weight: number }[]): boolean {
  if (stored.length !== wanted.length) return false
  return stored.every(({ url, weight }, index) => url === wanted[index]?.url && weight === wanted[index].weight)
}

function takeByUrl(free: StoredUpstream[], url: string): StoredUpstream | undefined {
  const index = free.findIndex((upstream) => upstream.url === url)
  return index < 0 ? undefined : free.splice(index, 1)[0]
}
