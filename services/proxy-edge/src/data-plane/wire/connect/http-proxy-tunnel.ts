import type { Socket } from 'node:net'
import { ConnectError } from './connect-error.ts'
import { basicCredentials, type OutboundProxy } from './outbound-proxy.ts'

/** Head of the proxy's answer to CONNECT; more is no proxy that we want to talk to. */
const maxAnswerBytes = 16_384

/** CONNECT through an HTTP proxy (RFC 9110 9.3.6); afterwards the socket leads to the upstream. */
export function openHttpTunnel(
  socket: Socket,
  proxy: OutboundProxy,
  hostname: string,
  port: number,
  onTunnel: (error: ConnectError | null) => void,
): void {
  const authority = `${hostname}:${port}`
  const credentials = basicCredentials(proxy)
  const authorization = credentials === '' ? '' : `Proxy-Authorization: ${credentials}\r\n`
  let received = Buffer.alloc(0)
  const onData = (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    const end = received.indexOf('\r\n\r\n')
    if (end < 0 && received.length < maxAnswerBytes) return
    finish(judgeAnswer(received, end))
  }
  const onEnd = () => finish(new ConnectError('proxy', 'PROXY_CLOSED'))
  const finish = (error: ConnectError | null) => {
    socket.off('data', onData).off('end', onEnd).pause()
    onTunnel(error)
  }
  socket.on('data', onData).on('end', onEnd)
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization}\r\n`, 'latin1')
}

function judgeAnswer(received: Buffer, end: number): ConnectError | null {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(received.toString('latin1', 0, 16))?.[1]
  if (end < 0 || status === undefined) return new ConnectError('proxy', 'PROXY_PROTOCOL')
  if (!status.startsWith('2')) return new ConnectError('proxy', `PROXY_${status}`)
  // Bytes behind the head would belong to the upstream, which has not been asked for anything yet.
  return received.length > end + 4 ? new ConnectError('proxy', 'PROXY_PROTOCOL') : null
}
