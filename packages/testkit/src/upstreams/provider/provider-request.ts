import type { ProviderDialect } from './dialect.ts'
import type { Reply, StreamPace } from './reply.ts'
import type { ResourceStore } from './resource-store.ts'

/** What a route sees: the request read, and what the test has programmed. */
export type ProviderRequest = {
  dialect: ProviderDialect
  method: string
  /** Path as the route table knows it: Azure's and Gemini's prefixes in front of OpenAI paths are taken off. */
  path: string
  query: URLSearchParams
  /** Origin that the client used, for URLs in answers. */
  origin: string
  key: string
  header: (name: string) => string | undefined
  body: Buffer
  /** The body when it is a JSON object. */
  json: Record<string, unknown> | undefined
  /** From the body, or from the path where the dialect puts it there. */
  model: string | undefined
  reply: Reply
  pace: StreamPace
  resources: ResourceStore
}
