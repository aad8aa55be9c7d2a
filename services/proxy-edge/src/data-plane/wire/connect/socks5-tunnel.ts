import { isIP, type Socket } from 'node:net'
import { ConnectError } from './connect-error.ts'
import type { OutboundProxy } from './outbound-proxy.ts'

/**
 * SOCKS5 CONNECT (RFC 1928) with user name and password (RFC 1929). The proxy resolves host names. Steps: greeting ->
 * [credentials] -> connect; each answer is awaited before the next message, so nothing of the upstream can be in between.
 */
const version = 5
const noCredentials = 0
const userPassword = 2

type Step = 'greeting' | 'credentials' | 'connect'

export function openSocks5Tunnel(
  socket: Socket,
  proxy: OutboundProxy,
  hostname: string,
  port: number,
  onTunnel: (error: ConnectError | null) => void,
): void {
  let step: Step = 'greeting'
  let received = Buffer.alloc(0)
  const finish = (error: ConnectError | null) => {
    socket.off('data', onData).off('end', onEnd).pause()
    onTunnel(error)
  }
  const onEnd = () => finish(new ConnectError('proxy', 'PROXY_CLOSED'))
  const onData = (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    const length = answerLength(step, received)
    if (length < 0 || received.length < length) return
    const code = judge(step, received)
    if (code !== '') return finish(new ConnectError('proxy', code))
    if (step === 'connect')
      return finish(received.length === length ? null : new ConnectError('proxy', 'PROXY_PROTOCOL'))
    const isAuthenticating = step === 'greeting' && received[1] === userPassword
    step = isAuthenticating ? 'credentials' : 'connect'
    received = received.subarray(length)
    socket.write(isAuthenticating ? credentialsMessage(proxy) : connectMessage(hostname, port))
  }
  socket.on('data', onData).on('end', onEnd)
  const methods = proxy.hasCredentials ? [noCredentials, userPassword] : [noCredentials]
  socket.write(Buffer.from([version, methods.length, ...methods]))
}

/** -1 = not known yet. */
function answerLength(step: Step, received: Buffer): number {
  if (step !== 'connect') return 2
  if (received.length < 5) return -1
  const addressType = received[3]
  if (addressType === 1) return 10
  if (addressType === 4) return 22
  return addressType === 3 ? 7 + received[4]! : 5
}

function judge(step: Step, received: Buffer): string {
  if (step === 'credentials') return received[1] === 0 ? '' : 'SOCKS_CREDENTIALS_REFUSED'
  if (received[0] !== version) return 'PROXY_PROTOCOL'
  if (step === 'greeting')
    return received[1] === noCredentials || received[1] === userPassword ? '' : 'SOCKS_CREDENTIALS_NEEDED'
  if (received[3] !== 1 && received[3] !== 3 && received[3] !== 4) return 'PROXY_PROTOCOL'
  return received[1] === 0 ? '' : `SOCKS_${received[1]}`
}

function credentialsMessage(proxy: OutboundProxy): Buffer {
  const username = Buffer.from(proxy.username).subarray(0, 255)
  const password = Buffer.from(proxy.password).subarray(0, 255)
  return Buffer.concat([Buffer.from([1, username.length]), username, Buffer.from([password.length]), password])
}

function connectMessage(hostname: string, port: number): Buffer {
  const head = Buffer.from([version, 1, 0])
  return Buffer.concat([head, addressBytes(hostname), Buffer.from([port >> 8, port & 0xff])])
}

function addressBytes(hostname: string): Buffer {
  if (isIP(hostname) === 4) return Buffer.from([1, ...hostname.split('.').map(Number)])
  const name = Buffer.from(hostname).subarray(0, 255)
  return Buffer.concat([Buffer.from([3, name.length]), name])
}
