import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { bareAddress, clientBehind, createTrustCheck } from '@gpt-load/service-kit/forwarded-address'

/**
 * Who is calling, and by which origin. Over the internal socket (standalone) the public listener names its peer in headers
 * that it sets itself; over TCP the connection does. The peer is the client unless it is a trusted proxy: then the last
 * untrusted entry of X-Forwarded-For is, and X-Forwarded-Proto and X-Forwarded-Host say what the browser sees. Anything else
 * in these headers is a claim and is not believed.
 */
export const internalAddressHeader = 'x-gptload-client-address'
export const internalSchemeHeader = 'x-gptload-client-scheme'

export type ClientAddressOf = (request: IncomingMessage) => string

export function createClientAddressOf(options: { trustedProxies: readonly string[] }): ClientAddressOf {
  const isTrusted = createTrustCheck(options.trustedProxies)
  return (request) => clientBehind(peerAddress(request), headerText(request, 'x-forwarded-for'), isTrusted)
}

/** `https://host[:port]` as the caller's browser names it. */
export type OwnOriginOf = (request: IncomingMessage) => string

export function createOwnOriginOf(options: { trustedProxies: readonly string[] }): OwnOriginOf {
  const isTrusted = createTrustCheck(options.trustedProxies)
  return (request) => {
    const forwarded = isTrusted(peerAddress(request))
    const proto = forwarded ? lastItem(headerText(request, 'x-forwarded-proto')).toLowerCase() : ''
    const host = forwarded ? lastItem(headerText(request, 'x-forwarded-host')) : ''
    const scheme = proto === 'https' || proto === 'http' ? proto : peerScheme(request)
    return `${scheme}://${(host || headerText(request, 'host')).toLowerCase()}`
  }
}

/** Whether a request came straight from this machine, and whether a proxy says that it forwards without being believed. */
export function describeWay(
  request: IncomingMessage,
  address: string,
): { isLocal: boolean; hasIgnoredForwarding: boolean } {
  const isForwarded = headerText(request, 'x-forwarded-for') !== ''
  // A proxy that is believed is never the client itself.
  const hasIgnoredForwarding = isForwarded && address === peerAddress(request)
  return {
    isLocal: !isForwarded && loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'),
    hasIgnoredForwarding,
  }
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

function peerAddress(request: IncomingMessage): string {
  const peer = request.socket.remoteAddress
  if (peer === undefined) return bareAddress(headerText(request, internalAddressHeader)) ?? 'internal'
  return bareAddress(peer) ?? 'unknown'
}

/** The listeners of this process speak plain HTTP; TLS is ended by the public listener of standalone or by a proxy. */
function peerScheme(request: IncomingMessage): 'http' | 'https' {
  const isInternal = request.socket.remoteAddress === undefined
  return isInternal && headerText(request, internalSchemeHeader) === 'https' ? 'https' : 'http'
}

/** What the nearest proxy added. */
function lastItem(list: string): string {
  return list.split(',').at(-1)?.trim() ?? ''
}

function headerText(request: IncomingMessage, name: string): string {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(',') : (value ?? '')
}
