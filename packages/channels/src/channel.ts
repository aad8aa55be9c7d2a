import type { ChannelType, Dialect } from '@gpt-load/contracts/channel-types'
import type { DeadlineSource, ErrorClass } from '@gpt-load/contracts/error-class'
import type { TokenUsage } from '@gpt-load/contracts/log-event'

/**
 * What the proxy must know about one provider format. Pure: no I/O, no clock but the `nowMs` it is given. One file per
 * channel implements it; nothing outside this package asks for a channel's name to decide something.
 *
 * Headers are *raw pairs*: `[name, value, name, value, …]` in wire order and case, as node:http's rawHeaders.
 */
export type RawHeaders = string[]

/** Where a request goes and what it is, as far as head and scanner tell. `path` has no query and is never decoded. */
export type RequestShape = {
  method: string
  /** Behind `/proxy/{group}`, begins with `/`. */
  path: string
  /** Without `?`; empty when there is none. Client credentials are removed already. */
  query: string
  accept: string
  /** Top-level `model` of the body after overrides; '' = none. */
  bodyModel: string
  /** Top-level `stream` of the body after overrides. */
  bodyStream: boolean
}

export type ModelPlace = { model: string; place: 'body' | 'path' | 'none' }

export type Classification = {
  errorClass: ErrorClass
  /** The provider's structured code or type; '' when it named none. At most 100 characters. */
  code: string
  /** First of error.message, error_msg, error (string), message, else the raw text; cut at 2,048 characters. For logs. */
  message: string
  /** Epoch ms until which the key is out; 0 = the provider named none. */
  until: number
  deadlineSource: DeadlineSource
  /** The limit concerns one model only: the key stays usable for others. */
  isModelScoped: boolean
  /**
   * The code alone does not prove that the key is at fault (a sentence, an ambiguous 403): it counts only when the next
   * key then accepts the same request.
   */
  needsCorroboration: boolean
  /** All codes and types that the error names, the most specific first. */
  codes: readonly string[]
  /** The error stands inside another one's text (a relay's): its words may be a caller's. */
  isQuoted: boolean
  /** The status proves that the provider did nothing (429, 401…): safe to repeat a creating call. */
  isUnprocessed: boolean
}

export type UpstreamFailure = {
  status: number
  headers: readonly string[]
  /** First bytes of the body, decoded (at most 64 KiB). */
  body: string
  /** Epoch ms, for deadlines. */
  nowMs: number
  /** Body of the request asked for this model; for model-scoped limits. */
  model: string
}

export type ProbeRequest = { method: 'GET' | 'POST'; path: string; query: string; headers: RawHeaders; body: string }

/** Reads token usage from a response body of any length in pieces; bounded memory, never throws. */
export interface UsageReader {
  /** Decoded (not compressed) bytes in order; `behind` more have come with them and follow at once. */
  push(chunk: Uint8Array, behind: number): void
  /** What was found so far; -1 = unknown. Also valid after an abort. */
  usage(): TokenUsage
  /** True as soon as a byte of generated content was seen (for time to first token). */
  hasContent(): boolean
  /** An error object inside a 200 stream, e.g. Anthropic `event: error`; null = none seen. */
  streamError(): { code: string; message: string } | null
}

export type DialectError = {
  status: number
  code: string
  message: string
  requestId: string
  /** For dialects that say it in the body; the Retry-After header is the caller's to set. 0 = none. */
  retryAfterSeconds: number
}
export type RenderedError = { headers: RawHeaders; body: string }

/**
 * A path whose resource lives with one key at the provider (files, batches, stored responses, threads, vector stores,
 * fine-tuning, cached contents). `resourceId` '' = a creating or listing call.
 */
export type StatefulPath = { family: string; resourceId: string; isCreation: boolean }

export interface Channel {
  readonly type: ChannelType
  readonly dialect: Dialect
  readonly defaults: { upstreamUrl: string; testModel: string; validationEndpoint: string }

  /** Appends the credential (and headers that the provider requires and the caller left out). Never touches the URL. */
  placeKey(headers: RawHeaders, secret: string, request: RequestShape): void
  isStream(request: RequestShape): boolean
  model(request: RequestShape): ModelPlace
  /** Path with its model segment replaced (Gemini, Azure deployments stay untouched); same path when the model is not there. */
  replaceModelInPath(path: string, model: string): string
  /** Known API path without its version prefix -> with it (`/chat/completions` -> `/v1/chat/completions`); else unchanged. */
  completePath(path: string): string
  probe(options: { mode: 'chat' | 'models'; model: string; validationEndpoint: string }): ProbeRequest
  /** Judges an answer with status >= 400 (or a status the group's failover codes name). */
  classify(failure: UpstreamFailure): Classification
  /** The first event of a 200 stream, decoded; null = a real event or not an error. */
  classifyPreamble(text: string, nowMs: number): Classification | null
  createUsageReader(options: { contentType: string; isStream: boolean }): UsageReader
  renderError(error: DialectError): RenderedError
  /** Says that the connection is alive, between two events; SDKs pass over it. */
  readonly keepaliveEvent: string
  /** One event that ends a broken stream in the caller's dialect. */
  renderStreamError(error: DialectError): string
  statefulPath(method: string, path: string): StatefulPath | null
  /** A generating call whose answer the provider keeps under an id that later calls name. */
  storesAnswer(method: string, path: string): boolean
  /** GET of a model list or of one model; null otherwise. `model` '' = the list. */
  modelListPath(method: string, path: string): { model: string } | null
  /** Model list after redirect rules (gpt-load/proxy.md 6); null = not a model list, leave it alone. */
  rewriteModelList(
    body: string,
    rules: { sources: readonly string[]; isStrict: boolean; isFirstPage: boolean },
  ): string | null
}
