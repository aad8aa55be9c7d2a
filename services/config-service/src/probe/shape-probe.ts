import type { Channel } from '@gpt-load/channels/channel'
import type { HeaderRule, ModelRedirects } from '@gpt-load/contracts/group-shape'
import type { ProbeCall } from './probe-sender.ts'
import type { ProbeTarget } from './probe-target.ts'

/**
 * A probe as the group's traffic is shaped: param overrides, model redirect, channel authentication, header rules, in this
 * order. It differs in nothing but its origin: the client is 127.0.0.1 and there is no access key.
 */
export type ProbeOrigin = {
  secret: string
  requestId: string
  nowMs: number
  mode: 'chat' | 'models'
  random(): number
}

export function shapeProbe(target: ProbeTarget, channel: Channel, origin: ProbeOrigin): ProbeCall | null {
  const upstream = pickByWeight(target.upstreams, origin.random)
  if (upstream === undefined) return null
  const model = redirectModel(target.modelRedirects, requestedModel(target), origin.random)
  const { validationEndpoint, settings } = target
  const probe = channel.probe({ mode: origin.mode, model, validationEndpoint })
  const headers = [...probe.headers]
  const { method, path, query } = probe
  const shape = { method, path, query, accept: 'application/json', bodyModel: model, bodyStream: false }
  channel.placeKey(headers, origin.secret, shape)
  return {
    method,
    url: joinUrl(upstream.url, path, query, settings.join_v1),
    headers: applyHeaderRules(headers, target.headerRules, variablesOf(target, origin, model)),
    body: overrideBody(probe.body, target.paramOverrides),
    proxyUrl: settings.proxy_url,
    connectTimeoutMs: settings.connect_timeout * 1_000,
    timeoutMs: settings.key_validation_timeout_seconds * 1_000,
  }
}

function pickByWeight<T extends { weight: number }>(choices: readonly T[], random: () => number): T | undefined {
  const total = choices.reduce((sum, { weight }) => sum + weight, 0)
  let rest = random() * total
  return choices.find(({ weight }) => weight > 0 && (rest -= weight) < 0)
}

function requestedModel({ paramOverrides, testModel }: ProbeTarget): string {
  const { model } = paramOverrides
  return typeof model === 'string' && model !== '' ? model : testModel
}

/** The exact source wins over a pattern with `*`; the first pattern that fits decides. */
function redirectModel(redirects: ModelRedirects, model: string, random: () => number): string {
  const exact = Object.hasOwn(redirects, model) ? redirects[model] : undefined
  const target = exact ?? Object.entries(redirects).find(([source]) => matchesPattern(source, model))?.[1]
  if (target === undefined) return model
  return typeof target === 'string' ? target : (pickByWeight(target, random)?.model ?? model)
}

function matchesPattern(pattern: string, model: string): boolean {
  if (!pattern.includes('*')) return false
  const parts = pattern.split('*').map((part) => RegExp.escape(part))
  return new RegExp(`^${parts.join('[^]*')}$`).test(model)
}

/** The base URL's query is merged in, the probe's own parameters win. */
function joinUrl(base: string, path: string, query: string, isV1Joined: boolean): string {
  const url = new URL(base)
  const basePath = url.pathname.replace(/\/$/, '')
  const isDoubled = isV1Joined && basePath.endsWith('/v1') && (path === '/v1' || path.startsWith('/v1/'))
  const parameters = new URLSearchParams(url.search)
  for (const [name, value] of new URLSearchParams(query)) parameters.set(name, value)
  const search = parameters.size === 0 ? '' : `?${parameters.toString()}`
  return `${url.origin}${isDoubled ? basePath.slice(0, -'/v1'.length) : basePath}${path}${search}`
}

function overrideBody(body: string, overrides: Readonly<Record<string, unknown>>): string {
  const { model: _, ...members } = overrides
  if (body === '' || Object.keys(members).length === 0) return body
  return JSON.stringify({ ...(JSON.parse(body) as object), ...members })
}

function variablesOf(target: ProbeTarget, origin: ProbeOrigin, model: string): Readonly<Record<string, string>> {
  return {
    CLIENT_IP: '127.0.0.1',
    GROUP_NAME: target.groupName,
    API_KEY: origin.secret,
    TIMESTAMP_MS: String(origin.nowMs),
    TIMESTAMP_S: String(Math.floor(origin.nowMs / 1_000)),
    REQUEST_ID: origin.requestId,
    MODEL: model,
    ACCESS_KEY_NAME: '',
  }
}

/** One pass over each value: what a variable stands for is not expanded again. */
function applyHeaderRules(
  headers: readonly string[],
  rules: readonly HeaderRule[],
  variables: Readonly<Record<string, string>>,
): string[] {
  let result = [...headers]
  for (const { key, value, action } of rules) {
    result = withoutHeader(result, key)
    if (action === 'set')
      result.push(
        key,
        value.replaceAll(/\$\{(\w+)\}/g, (text, name: string) => variables[name] ?? text),
      )
  }
  return result
}

function withoutHeader(headers: readonly string[], name: string): string[] {
  const lower = name.toLowerCase()
  const kept: string[] = []
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const [key = '', value = ''] = headers.slice(index, index + 2)
    if (key.toLowerCase() !== lower) kept.push(key, value)
  }
  return kept
}
