import { requestIdHeader } from '@gpt-load/contracts/proxy-errors'
import type { Problem, ProblemCode } from '@gpt-load/contracts/problem'

/** `network`: nothing came back. `unreadable`: something came back that is not the API's. */
export type ApiErrorCode = ProblemCode | 'network' | 'unreadable'

export type FieldError = { pointer: string; detail: string }

/** Everything that can go wrong with a call, as a person or a program needs it. `status` is 0 when nothing came back. */
export class ApiError extends Error {
  readonly code: ApiErrorCode
  readonly status: number
  readonly title: string
  readonly detail: string | null
  /** What to name when asking about it; in the server's log too. */
  readonly requestId: string | null
  readonly fieldErrors: readonly FieldError[]
  /** Seconds to wait, when the server said so. */
  readonly retryAfter: number | null

  constructor(facts: {
    code: ApiErrorCode
    status: number
    title: string
    detail?: string | null
    requestId?: string | null
    fieldErrors?: readonly FieldError[]
    retryAfter?: number | null
    cause?: unknown
  }) {
    super(facts.detail ?? facts.title, { cause: facts.cause })
    this.name = 'ApiError'
    this.code = facts.code
    this.status = facts.status
    this.title = facts.title
    this.detail = facts.detail ?? null
    this.requestId = facts.requestId ?? null
    this.fieldErrors = facts.fieldErrors ?? []
    this.retryAfter = facts.retryAfter ?? null
  }
}

export function networkError(cause: unknown): ApiError {
  return new ApiError({ code: 'network', status: 0, title: 'The server cannot be reached', cause })
}

/** A proxy in between may answer with a page of its own: then there is no problem to read. */
export async function readApiError(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null)
  const facts = {
    status: response.status,
    requestId: response.headers.get(requestIdHeader),
    retryAfter: Number(response.headers.get('retry-after') ?? 'none') || null,
  }
  if (!isProblem(body)) return new ApiError({ ...facts, code: 'unreadable', title: `HTTP ${response.status}` })
  return new ApiError({
    ...facts,
    code: body.code,
    title: body.title,
    detail: body.detail ?? null,
    requestId: body.request_id ?? facts.requestId,
    fieldErrors: body.errors ?? [],
  })
}

function isProblem(body: unknown): body is Problem {
  return typeof body === 'object' && body !== null && 'code' in body && 'title' in body
}
