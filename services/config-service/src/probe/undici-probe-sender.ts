import { lookup as lookUpName, type LookupAddress, type LookupOptions } from 'node:dns'
import { getCACertificates } from 'node:tls'
import { Agent, EnvHttpProxyAgent, ProxyAgent, request, Socks5ProxyAgent, type Dispatcher } from 'undici'
import { isAddressAllowed, isHostAllowed } from '@gpt-load/service-kit/upstream-addresses'
import type { ProbeCall, ProbeReply, ProbeSender } from './probe-sender.ts'

/**
 * Probes through undici. Each has a connection of its own, so what it measures is the whole way; redirects are not
 * followed, since a credential would travel with them. What edges refuse to connect to is refused here too, also when a name
 * resolves to it; an outbound proxy may be on any private address.
 */
export type ProbeSenderOptions = {
  environment: { httpProxy: string; httpsProxy: string; noProxy: string }
  /** Link-local and metadata addresses are refused always. */
  allowPrivateAddresses: boolean
  /** PEM of further authorities, beside the system's; '' = none. */
  extraCaPem: string
}

/** As much of an answer as a classification reads. */
const maxBodyBytes = 65_536

export function createUndiciProbeSender(options: ProbeSenderOptions): ProbeSender {
  return {
    async send(call) {
      const { hostname } = new URL(call.url)
      if (!isHostAllowed(hostname, options.allowPrivateAddresses))
        return { isAnswered: false, reason: reasons['ADDRESS_REFUSED']! }
      const dispatcher = createDispatcher(call, options)
      const timeout = AbortSignal.timeout(call.timeoutMs)
      const signal = call.signal === undefined ? timeout : AbortSignal.any([timeout, call.signal])
      try {
        return await exchange(call, dispatcher, signal)
      } catch (error) {
        call.signal?.throwIfAborted()
        const reason = timeout.aborted ? `no answer within ${call.timeoutMs / 1_000} s` : describeError(error)
        return { isAnswered: false, reason }
      } finally {
        void dispatcher.destroy().catch(() => {})
      }
    },
  }
}

async function exchange(call: ProbeCall, dispatcher: Dispatcher, signal: AbortSignal): Promise<ProbeReply> {
  const { statusCode, headers, body } = await request(call.url, {
    method: call.method as Dispatcher.HttpMethod,
    headers: [...call.headers],
    ...(call.body === '' ? {} : { body: call.body }),
    dispatcher,
    signal,
    headersTimeout: call.timeoutMs,
    bodyTimeout: call.timeoutMs,
  })
  return { isAnswered: true, status: statusCode, headers: toRawPairs(headers), body: await readStart(body) }
}

async function readStart(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= maxBodyBytes) break
  }
  return Buffer.concat(chunks).subarray(0, maxBodyBytes).toString('utf8')
}

function toRawPairs(headers: Record<string, string | string[] | undefined>): string[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    const values = Array.isArray(value) ? value : value === undefined ? [] : [value]
    return values.flatMap((text) => [name, text])
  })
}

function createDispatcher(
  { proxyUrl, connectTimeoutMs }: ProbeCall,
  { environment, allowPrivateAddresses, extraCaPem }: ProbeSenderOptions,
): Dispatcher {
  const trusted = extraCaPem === '' ? {} : { ca: [...getCACertificates('default'), extraCaPem] }
  const connect = { timeout: connectTimeoutMs, ...trusted, lookup: guardedLookup(environment, allowPrivateAddresses) }
  if (/^socks/i.test(proxyUrl)) return new Socks5ProxyAgent(proxyUrl.replace(/^socks5h/i, 'socks5'))
  if (proxyUrl !== '')
    return new ProxyAgent({ uri: proxyUrl, proxyTls: { timeout: connectTimeoutMs }, requestTls: trusted })
  const { httpProxy, httpsProxy, noProxy } = environment
  if (httpProxy === '' && httpsProxy === '') return new Agent({ connect })
  return new EnvHttpProxyAgent({ httpProxy, httpsProxy, noProxy, connect })
}

type LookupCallback = (error: Error | null, address: string | LookupAddress[], family?: number) => void

type Lookup = (hostname: string, options: LookupOptions, callback: LookupCallback) => void

/** net.connect asks for one address or for all of them. */
function guardedLookup(
  { httpProxy, httpsProxy }: ProbeSenderOptions['environment'],
  allowPrivateAddresses: boolean,
): Lookup {
  const proxies = new Set([httpProxy, httpsProxy].map((url) => URL.parse(url)?.hostname))
  return (hostname, options, callback) =>
    lookUpName(hostname, options, (error, address: string | LookupAddress[], family?: number) => {
      const addresses = typeof address === 'string' ? [address] : (address ?? []).map((entry) => entry.address)
      const allowsPrivate = allowPrivateAddresses || proxies.has(hostname)
      if (error === null && !addresses.every((found) => isAddressAllowed(found, allowsPrivate)))
        return callback(Object.assign(new Error('refused'), { code: 'ADDRESS_REFUSED' }), address, family)
      callback(error, address, family)
    })
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name could not be resolved',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: 'the connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
  UND_ERR_SOCKET: 'the connection broke',
  UND_ERR_INVALID_ARG: 'a header rule makes a request that cannot be sent',
  ADDRESS_REFUSED:
    'the host is at a link-local or metadata address, or at a private one while ALLOW_PRIVATE_UPSTREAMS is off',
}

/** The library's own messages name addresses. */
function describeError(error: unknown): string {
  const code = codeOf(error) || codeOf((error as { cause?: unknown } | null)?.cause)
  return reasons[code] ?? (code === '' ? 'no answer' : `no answer (${code})`)
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : ''
  return typeof code === 'string' && /^[A-Z0-9_]{1,60}$/.test(code) ? code : ''
}
