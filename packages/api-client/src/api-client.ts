import { changeHeaders } from '@gpt-load/contracts/api/endpoint'
import type { endpoints, OperationId, OperationResult } from '@gpt-load/contracts/api/endpoints'
import { ApiError, networkError, readApiError } from './api-error.ts'
import { formatPath, formatQuery, type QueryValue } from './format-target.ts'

/**
 * The admin API as a typed function. Operations are written as they are in the endpoint table, `'GET /api/v1/groups/{id}'`, and
 * path, query, body and answer are inferred from it: the table itself, with its schemas, is nowhere loaded, so a browser
 * pays for none of it. Answers are trusted; what the server refuses is thrown as `ApiError`.
 */
export type ApiClientOptions = {
  /** Origin and base path without a slash at its end; '' = the page's own origin. */
  baseUrl: string
  /** For programs; a browser's session travels in its cookie. */
  token?: string
  fetch?: typeof fetch
}

type Table = typeof endpoints
export type OperationKey = { [K in OperationId]: `${Table[K]['method']} ${Table[K]['path']}` }[OperationId]
type IdOf<Key extends OperationKey> = {
  [K in OperationId]: Key extends `${Table[K]['method']} ${Table[K]['path']}` ? K : never
}[OperationId]

type OutputOf<S> = S extends { _zod: { output: infer O } } ? O : never
type InputOf<S> = S extends { _zod: { input: infer I } } ? I : undefined
type ParamsOf<K extends OperationId> = OutputOf<Table[K]['params']>
/** `strictObject({})` is inferred as an index signature. */
type IsEmpty<T> = string extends keyof T ? true : keyof T extends never ? true : false
/** Defaults are the server's, so every parameter of a query may be left out. */
type QueryOf<K extends OperationId> = {
  [N in keyof OutputOf<Table[K]['query']>]?: OutputOf<Table[K]['query']>[N] | undefined
}

/** A body that the server reads as it comes. */
export type Upload<Type extends string = string> = { type: Type; content: Blob | ReadableStream<Uint8Array> }
type UploadOf<K extends OperationId> = Table[K]['upload'] extends readonly (infer Type extends string)[]
  ? { upload: Upload<Type> }
  : unknown

export type ApiInput<Key extends OperationKey> = {
  /** The revision that a change is based on: sent as If-Match. */
  revision?: number
  signal?: AbortSignal
} & UploadOf<IdOf<Key>> &
  (IsEmpty<ParamsOf<IdOf<Key>>> extends true ? unknown : { params: ParamsOf<IdOf<Key>> }) &
  (IsEmpty<QueryOf<IdOf<Key>>> extends true ? unknown : { query?: QueryOf<IdOf<Key>> }) &
  (undefined extends InputOf<Table[IdOf<Key>]['body']>
    ? { body?: InputOf<Table[IdOf<Key>]['body']> }
    : { body: InputOf<Table[IdOf<Key>]['body']> })

/** Operations whose answer is a stream. */
export type DownloadKey = {
  [K in OperationId]: Table[K]['download'] extends string ? `${Table[K]['method']} ${Table[K]['path']}` : never
}[OperationId]

export type ApiResult<Key extends OperationKey> = OperationResult<IdOf<Key>>

export type ApiAnswer<T> = {
  data: T
  /** Revision that a change made; null when nothing was changed. */
  revision: number | null
  /** Edges that have a change, of those that are there; null for what changes nothing. */
  edges: { applied: number; reachable: number } | null
}

export type ApiClient = {
  <Key extends OperationKey>(operation: Key, ...input: InputArguments<Key>): Promise<ApiAnswer<ApiResult<Key>>>
}
/** The input may be left out where nothing in it is needed. */
type InputArguments<Key extends OperationKey> =
  Record<never, never> extends ApiInput<Key> ? [ApiInput<Key>?] : [ApiInput<Key>]

type LooseInput = {
  params?: Record<string, string | number>
  query?: Record<string, QueryValue>
  body?: unknown
  upload?: Upload
  revision?: number
  signal?: AbortSignal
}

export function createApiClient(options: ApiClientOptions): ApiClient {
  return (async (operation: string, input: LooseInput = {}) => {
    const response = await exchange(options, operation, input)
    return {
      data: await readData(response),
      revision: readRevision(response.headers),
      edges: readEdges(response.headers),
    }
  }) as ApiClient
}

export type ApiDownload = {
  <Key extends DownloadKey>(operation: Key, ...input: InputArguments<Key>): Promise<ReadableStream<Uint8Array>>
}

/** Answers that are streams, at the pace of who reads them. One that breaks off rejects the read. */
export function createApiDownload(options: ApiClientOptions): ApiDownload {
  return (async (operation: string, input: LooseInput = {}) => {
    const { body } = await exchange(options, operation, input)
    return body ?? new Blob([]).stream()
  }) as ApiDownload
}

async function exchange(options: ApiClientOptions, operation: string, input: LooseInput): Promise<Response> {
  const send = options.fetch ?? fetch
  const [method, path] = operation.split(' ') as [string, string]
  const url = options.baseUrl + formatPath(path, input.params ?? {}) + formatQuery(input.query ?? {})
  const response = await send(url, requestOf(method, input, options.token)).catch((error: unknown) => {
    if (input.signal?.aborted === true) throw error
    throw networkError(error)
  })
  if (!response.ok) throw await readApiError(response)
  return response
}

function requestOf(
  method: string,
  { body, upload, revision, signal }: LooseInput,
  token: string | undefined,
): RequestInit {
  const headers: Record<string, string> = { accept: 'application/json' }
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`
  if (body !== undefined) headers['content-type'] = 'application/json'
  if (upload !== undefined) headers['content-type'] = upload.type
  if (revision !== undefined) headers['if-match'] = `"${revision}"`
  return {
    method,
    headers,
    credentials: 'same-origin',
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    // A stream is sent before its answer is read; the types of fetch do not know `duplex` yet.
    ...(upload === undefined ? {} : { body: upload.content, duplex: 'half' }),
    ...(signal === undefined ? {} : { signal }),
  }
}

async function readData(response: Response): Promise<unknown> {
  if (response.status === 204) return null
  try {
    return await response.json()
  } catch (error) {
    throw new ApiError({ code: 'unreadable', status: response.status, title: 'The answer is not JSON', cause: error })
  }
}

function readRevision(headers: Headers): number | null {
  const text = headers.get(changeHeaders.revision)
  return text === null ? null : Number(text)
}

function readEdges(headers: Headers): ApiAnswer<unknown>['edges'] {
  const match = /^(\d+)\/(\d+)$/.exec(headers.get(changeHeaders.applied) ?? '')
  return match === null ? null : { applied: Number(match[1]), reachable: Number(match[2]) }
}
