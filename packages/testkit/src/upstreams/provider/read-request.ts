import type { IncomingMessage } from 'node:http'
import type { ProviderAnswer } from './answer.ts'
import { isOpenAiSurface } from './dialect.ts'
import type { ProviderDialect } from './dialect.ts'
import { parseObject } from './parse-object.ts'
import { providerError } from './provider-error.ts'
import type { ProviderRequest } from './provider-request.ts'

/** Reads path, model and JSON as the dialect has them; what the provider refuses before routing is an answer at once. */
export function readProviderRequest(
  dialect: ProviderDialect,
  incoming: IncomingMessage,
  target: URL,
  key: string,
  body: Buffer,
  context: Pick<ProviderRequest, 'reply' | 'pace' | 'resources' | 'origin'>,
): ProviderRequest | ProviderAnswer {
  const header = (name: string) => incoming.headers[name] as string | undefined
  const query = target.searchParams
  const place = dialect === 'azure-openai' ? readAzurePath(target) : { path: target.pathname }
  if (!place) return providerError('azure', 'not-found')
  if (dialect === 'anthropic' && !header('anthropic-version')) {
    return providerError('anthropic', 'bad-request', { message: 'anthropic-version: header is required' })
  }
  const json = parseObject(body)
  const named = typeof json?.['model'] === 'string' ? json['model'] : undefined
  const model = place.deployment ?? geminiModel(dialect, target.pathname) ?? named
  const method = incoming.method ?? ''
  return { dialect, method, path: place.path, query, key, header, body, json, model, ...context }
}

type AzurePlace = { path: string; deployment?: string }

/** `/openai/deployments/NAME/…` and `/openai/…` want an api-version; `/openai/v1/…` does not. */
function readAzurePath(target: URL): AzurePlace | undefined {
  const path = target.pathname
  if (path.startsWith('/openai/v1/')) return { path: path.slice('/openai'.length) }
  if (!target.searchParams.get('api-version')) return undefined
  const [, deployment, rest] = /^\/openai\/deployments\/([^/]+)\/(.+)$/.exec(path) ?? []
  if (deployment && rest) return { path: `/v1/${rest}`, deployment: decodeURIComponent(deployment) }
  return path.startsWith('/openai/') ? { path: `/v1/${path.slice('/openai/'.length)}` } : undefined
}

function geminiModel(dialect: ProviderDialect, path: string): string | undefined {
  if (dialect !== 'gemini' || isOpenAiSurface(path)) return undefined
  return /\/models\/([^/:]+)/.exec(path)?.[1]
}
