import type { Request, Response } from 'express'
import type { z } from 'zod'
import { defaultMaxBodyBytes, type EndpointScope } from '@gpt-load/contracts/api/endpoint'
import { endpoints, type OperationId, type OperationResult } from '@gpt-load/contracts/api/endpoints'
import { parseRequest } from '../http/parse-request.ts'
import type { Precondition } from '../http/precondition.ts'
import type { Upload } from '../http/read-upload.ts'
import type { RequestClient } from '../http/request-client.ts'
import type { Verb, VerbAnswer, VerbContext, VerbInput, Verbs } from '../verb.ts'
import type { Language } from './language.ts'
import type { Messages } from './messages.ts'

/** One route of GPT-Load: what it takes, what it answers, and how it maps onto verbs. */
export type GptLoadRoute = {
  method: 'get' | 'post' | 'put' | 'delete'
  path: string
  scope: EndpointScope
  /** JSON types of the body; a body that breaks them is INVALID_JSON. null = none is read. */
  body: z.ZodType | null
  maxBodyBytes: number
  /** A form is taken as well, which `handle` reads itself: `body` is undefined then. */
  takesForm: boolean
  /** Of `data`, or of the whole answer when it is `bare`. null = none. */
  answer: z.ZodType | null
  isBare: boolean
  /** Only a key in a header will do: for a GET that changes something, which a link or an image could send. */
  isHeaderKeyOnly: boolean
  handle(call: RouteCall<unknown>): Promise<unknown>
}

export type RouteCall<Body> = {
  ctx: VerbContext
  verbs: Verbs
  client: RequestClient
  precondition: Precondition
  params: Readonly<Record<string, string>>
  /** The last one of repeated parameters. */
  query: Readonly<Record<string, string>>
  body: Body
  language: Language
  texts: Messages
  /** `https://host` as the caller sees us. */
  origin: string
  request: Request
  response: Response
  /** The answer waits until edges have this revision. */
  noteCommit(revision: number | null | undefined): void
  /** The message of the answer, in place of the usual one. */
  say(message: string): void
}

type RouteOptions<Body extends z.ZodType | null> = Pick<GptLoadRoute, 'method' | 'path' | 'scope' | 'answer'> &
  Partial<Pick<GptLoadRoute, 'maxBodyBytes' | 'isBare' | 'isHeaderKeyOnly' | 'takesForm'>> & {
    body?: Body
    handle(call: RouteCall<Body extends z.ZodType ? z.output<Body> : undefined>): Promise<unknown>
  }

export function route<Body extends z.ZodType | null = null>(options: RouteOptions<Body>): GptLoadRoute {
  const { body = null, maxBodyBytes = defaultMaxBodyBytes } = options
  const { isBare = false, isHeaderKeyOnly = false, takesForm = false } = options
  const handle = options.handle as GptLoadRoute['handle']
  return { ...options, body, maxBodyBytes, isBare, isHeaderKeyOnly, takesForm, handle }
}

/** Calls a verb with input that its own contract has checked, as the transport of `/api/v1` does. */
export async function callVerb<K extends OperationId>(
  call: RouteCall<unknown>,
  operationId: K,
  parts: { params?: object; query?: object; body?: unknown; precondition?: Precondition; upload?: Upload },
): Promise<VerbAnswer<OperationResult<K>>> {
  const { params = {}, query = {}, body, precondition = null, upload = null } = parts
  const parsed = parseRequest(endpoints[operationId], { params, query, body })
  const input = { ...parsed, precondition, upload, client: call.client } as unknown as VerbInput<K>
  const verb = call.verbs[operationId] as unknown as Verb<K>
  const answer = await verb({ ctx: call.ctx, input })
  call.noteCommit(answer.committed)
  return answer
}
