import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { RawConnection } from '@gpt-load/testkit/upstreams/raw-connection'

/** Outbound proxies that do what they are asked, over loopback, and keep what they were told. */
export interface FakeProxy extends AsyncDisposable {
  readonly port: number
  /** Heads of HTTP requests, or SOCKS targets as `host:port`. */
  readonly asked: string[]
  readonly credentials: string[]
}

type Serve = (connection: RawConnection, proxy: FakeProxy) => Promise<void>

async function startProxy(serve: Serve): Promise<FakeProxy> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    serve(new RawConnection(socket), proxy).catch(() => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  const { port } = server.address() as AddressInfo
  const proxy: FakeProxy = { port, asked: [], credentials: [], [Symbol.asyncDispose]: close }
  return proxy
}

/** CONNECT is tunnelled; what comes in absolute form is answered with `plainAnswer`. */
export function startHttpProxy(options: { connectAnswer?: string; plainAnswer?: string } = {}): Promise<FakeProxy> {
  const { connectAnswer = 'HTTP/1.1 200 Connected\r\n\r\n', plainAnswer = '' } = options
  return startProxy(async (connection, proxy) => {
    const head = (await connection.readUntil('\r\n\r\n')).toString('latin1')
    proxy.asked.push(head)
    const target = /^CONNECT (\S+):(\d+) /.exec(head)
    if (target === null) return connection.write(plainAnswer)
    await connection.write(connectAnswer)
    if (/ 2\d\d /.test(connectAnswer)) tunnel(connection, target[1]!, Number(target[2]))
  })
}

/** @param reply second byte of the answer to CONNECT; 0 = granted */
export function startSocks5Proxy({ needsCredentials = false, reply = 0 } = {}): Promise<FakeProxy> {
  return startProxy(async (connection, proxy) => {
    const [, methodCount = 0] = await connection.readExactly(2)
    const methods = await connection.readExactly(methodCount)
    if (needsCredentials && !methods.includes(2)) return connection.write(Buffer.from([5, 0xff]))
    await connection.write(Buffer.from([5, needsCredentials ? 2 : 0]))
    if (needsCredentials) await readCredentials(connection, proxy)
    const { host, port } = await readTarget(connection)
    proxy.asked.push(`${host}:${port}`)
    await connection.write(Buffer.from([5, reply, 0, 1, 0, 0, 0, 0, 0, 0]))
    if (reply === 0) tunnel(connection, host, port)
  })
}

async function readText(connection: RawConnection): Promise<string> {
  const [length = 0] = await connection.readExactly(1)
  return (await connection.readExactly(length)).toString()
}

async function readCredentials(connection: RawConnection, proxy: FakeProxy): Promise<void> {
  await connection.readExactly(1)
  const username = await readText(connection)
  proxy.credentials.push(`${username}:${await readText(connection)}`)
  await connection.write(Buffer.from([1, 0]))
}

async function readTarget(connection: RawConnection): Promise<{ host: string; port: number }> {
  const [, , , type] = await connection.readExactly(4)
  const host = type === 3 ? await readText(connection) : [...(await connection.readExactly(4))].join('.')
  return { host, port: (await connection.readExactly(2)).readUInt16BE() }
}

/** Everything ends on loopback, whatever name was asked for. */
function tunnel({ socket }: RawConnection, _host: string, port: number): void {
  const upstream = connect(port, '127.0.0.1')
  upstream.on('error', () => socket.destroy())
  socket.on('close', () => upstream.destroy())
  socket.removeAllListeners('data')
  socket.pipe(upstream).pipe(socket)
}
