import type { z } from 'zod'
import type { ProblemCode } from '../problem.ts'

/**
 * The shape of one entry of the endpoint table. Server, OpenAPI document and typed client derive from the table and know
 * nothing else about an endpoint.
 */
export const scopes = ['read', 'write', 'secrets:read'] as const
export type Scope = (typeof scopes)[number]
/** `any`: whoever has authenticated; `none`: everybody, the body authenticates. */
export type EndpointScope = Scope | 'any' | 'none'
export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export type Endpoint = {
  method: HttpMethod
  /** Parameters in braces: `/api/v1/groups/{id}`. */
  path: `/api/v1/${string}`
  summary: string
  tag: string
  scope: EndpointScope
  params: z.ZodObject
  query: z.ZodObject
  body: z.ZodType | null
  /** Media types of a body that the verb reads as a stream of any size, in place of `body`. */
  upload: readonly string[] | null
  /** Media type of an answer that is a stream, in place of the schema of `response`. */
  download: string | null
  /** Larger bodies are refused unread. */
  maxBodyBytes: number
  /** The answer has an ETag (a revision); If-Match is honoured by changes. */
  hasRevision: boolean
  /** If-Match is mandatory: a tag of what was read, or `*` for whatever there is. */
  needsIfMatch: boolean
  /**
   * What an Idempotency-Key does. `once`: a request whose answer was lost in a crash is not run again; `repeated`: it is, as
   * running it twice changes nothing more.
   */
  idempotency: 'ignored' | 'once' | 'repeated'
  response: { status: 200 | 201 | 202 | 204; schema: z.ZodType | null }
  /** Beyond `commonProblems`. */
  problems: readonly ProblemCode[]
}

/** JSON bodies of all endpoints but those that say otherwise. */
export const defaultMaxBodyBytes = 1_048_576

/** Headers of answers to changes. */
export const changeHeaders = {
  revision: 'x-gptload-revision',
  /** `applied/reachable`: edges that have the change, of those that have reported lately. */
  applied: 'x-gptload-applied',
} as const

/** The IETF draft of that name: chosen by the client, kept for a day per actor. */
export const idempotencyHeaders = { key: 'idempotency-key', replayed: 'idempotency-replayed' } as const
