import { ApiProblem } from './api-problem.ts'

/**
 * ETag and If-Match (RFC 9110 13.1.1): the tag of an entity is the revision of its last change. `null` = any will do: the
 * client said `*`, or named none where the table lets it (RFC 6585 3: else 428).
 */
export type Precondition = { revisions: readonly number[] } | null

const maxTags = 20

export function etagOf(revision: number): string {
  return `"${revision}"`
}

export function parseIfMatch(header: string | undefined, isNeeded: boolean): Precondition {
  if (header === undefined && isNeeded)
    throw new ApiProblem('precondition_required', 'Send If-Match with the ETag of what you have read, or *.')
  if (header === undefined || header.trim() === '*') return null
  const tags = header.split(',').map((tag) => tag.trim())
  if (tags.length > maxTags) throw new ApiProblem('bad_request', `If-Match names more than ${maxTags} tags.`)
  // A weak tag or one of another form matches nothing (strong comparison).
  const revisions = tags.flatMap((tag) => (/^"\d{1,15}"$/.test(tag) ? [Number(tag.slice(1, -1))] : []))
  return { revisions }
}

export function requireRevision(precondition: Precondition, revision: number): void {
  if (precondition === null || precondition.revisions.includes(revision)) return
  throw new ApiProblem(
    'precondition_failed',
    'It has changed since you read it. Read it again and repeat the change.',
    {
      headers: { etag: etagOf(revision) },
    },
  )
}
