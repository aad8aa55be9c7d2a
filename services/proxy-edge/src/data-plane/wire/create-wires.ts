import type { ClientTls, DownstreamLimits, DownstreamServer, RequestHandler } from './downstream-exchange.ts'
import { Http1Downstream } from './http1-downstream.ts'
import { Http1Upstream } from './http1-upstream.ts'
import { NodeHttpDownstream } from './node-http-downstream.ts'
import type { UpstreamWire } from './upstream-exchange.ts'

/** Which adapters carry the bytes: our own codec, or node:http and undici, the reference that it is compared with. */
export const wireNames = ['http1', 'node'] as const
export type WireName = (typeof wireNames)[number]

/** @param tls null = plain connections */
export function createDownstream(
  wire: WireName,
  limits: DownstreamLimits,
  handler: RequestHandler,
  tls: ClientTls | null = null,
): DownstreamServer {
  return wire === 'http1' ? new Http1Downstream(limits, handler, tls) : new NodeHttpDownstream(limits, handler, tls)
}

/** undici is loaded only where it is the wire: it is several megabytes of code in every worker. */
export async function createUpstream(wire: WireName, options: { extraCaPem: string }): Promise<UpstreamWire> {
  if (wire === 'http1') return new Http1Upstream(options)
  const { UndiciUpstream } = await import('./undici-upstream.ts')
  return new UndiciUpstream(options)
}
