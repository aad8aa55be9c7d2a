import type { Channel } from '@gpt-load/channels/channel'
import { scrubPatterns } from '@gpt-load/service-kit/secret-patterns'

/** One key against its provider: the models in turn, until one shows what it is worth. */
export type KeyTrial = { verdict: 'valid' | 'invalid' | 'unjudged'; model: string; reason: string }
export type TrialTarget = { channel: Channel; url: string; models: readonly string[]; timeoutMs: number }

const maxBodyBytes = 65_536
const maxReasonLength = 120

export async function tryKey(key: string, { models, ...target }: TrialTarget): Promise<KeyTrial> {
  let last: KeyTrial = { verdict: 'unjudged', model: '', reason: '' }
  for (const model of models) {
    last = await tryModel(key, model, target)
    if (last.verdict === 'valid') return last
  }
  return last
}

async function tryModel(
  key: string,
  model: string,
  { channel, url, timeoutMs }: Omit<TrialTarget, 'models'>,
): Promise<KeyTrial> {
  const probe = channel.probe({ mode: 'chat', model, validationEndpoint: '' })
  const headers = [...probe.headers]
  const { method, path, query } = probe
  channel.placeKey(headers, key, {
    method,
    path,
    query,
    accept: 'application/json',
    bodyModel: model,
    bodyStream: false,
  })
  try {
    const response = await fetch(`${url.replace(/\/+$/, '')}${path}${query === '' ? '' : `?${query}`}`, {
      method,
      headers: pairsOf(headers),
      // A redirect would carry the key to wherever it points.
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
      ...(probe.body === '' ? {} : { body: probe.body }),
    })
    return judge(channel, { key, model, response, body: await readStart(response) })
  } catch (error) {
    return { verdict: 'unjudged', model, reason: reasonOf(error) }
  }
}

/** A limited key is a working one; a failure that is not the key's own says nothing about it. */
function judge(
  channel: Channel,
  { key, model, response, body }: { key: string; model: string; response: Response; body: string },
): KeyTrial {
  const { status } = response
  if (response.ok || status === 429) return { verdict: 'valid', model, reason: status === 429 ? '429, limited' : '' }
  if (status < 400) return { verdict: 'unjudged', model, reason: `${status}, a redirect` }
  const headers = [...response.headers].flat()
  const { errorClass, code, message } = channel.classify({ status, headers, body, nowMs: Date.now(), model })
  const isOfKey = errorClass === 'key_auth' || errorClass === 'key_quota'
  const text = scrubPatterns(`${status} ${code} ${message}`.replaceAll(key, '***'))
  return {
    verdict: isOfKey ? 'invalid' : 'unjudged',
    model,
    reason: text.replaceAll(/\s+/g, ' ').slice(0, maxReasonLength),
  }
}

function pairsOf(raw: readonly string[]): [string, string][] {
  return Array.from({ length: raw.length / 2 }, (_, index) => [raw[2 * index] ?? '', raw[2 * index + 1] ?? ''])
}

async function readStart({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body ?? []) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= maxBodyBytes) break
  }
  return Buffer.concat(chunks).subarray(0, maxBodyBytes).toString('utf8')
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'no answer in time'
  const { cause } = error as { cause?: { code?: string } }
  return `no answer (${cause?.code ?? 'network'})`
}
