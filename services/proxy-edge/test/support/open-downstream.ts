import { createWaitingQueue } from '@gpt-load/testkit/upstreams/waiting-queue'
import { createDownstream, type WireName } from '../../src/data-plane/wire/create-wires.ts'
import type {
  DownstreamLimits,
  DownstreamServer,
  RequestHandler,
} from '../../src/data-plane/wire/downstream-exchange.ts'
import { Http1Downstream } from '../../src/data-plane/wire/http1-downstream.ts'
import { defaultLimits } from './open-data-plane.ts'
import { RecordingDownstreamReceiver } from './recording-receivers.ts'

export interface OpenDownstream<Server extends DownstreamServer> extends AsyncDisposable {
  readonly port: number
  readonly server: Server
  readonly received: RecordingDownstreamReceiver[]
  /** The next exchange whose head has come. */
  nextExchange(): Promise<RecordingDownstreamReceiver>
}

/** Our own codec towards clients, alone; what a request does is up to the test. */
export function openHttp1Downstream(limits: Partial<DownstreamLimits> = {}): Promise<OpenDownstream<Http1Downstream>> {
  return open((...args) => new Http1Downstream(...args), limits)
}

/** The adapter of that name, alone. */
export function openDownstream(
  wireName: WireName,
  limits: Partial<DownstreamLimits> = {},
): Promise<OpenDownstream<DownstreamServer>> {
  return open((...args) => createDownstream(wireName, ...args), limits)
}

async function open<Server extends DownstreamServer>(
  create: (limits: DownstreamLimits, handler: RequestHandler) => Server,
  limits: Partial<DownstreamLimits>,
): Promise<OpenDownstream<Server>> {
  const received: RecordingDownstreamReceiver[] = []
  const queue = createWaitingQueue<RecordingDownstreamReceiver>()
  const server = create({ ...defaultLimits, ...limits }, (exchange) => {
    const receiver = new RecordingDownstreamReceiver(exchange)
    received.push(receiver)
    queue.push(receiver)
    return receiver
  })
  const { port } = await server.listen({ host: '127.0.0.1', port: 0, reusePort: false })
  return {
    port,
    server,
    received,
    nextExchange: () => queue.next({ what: 'an exchange' }),
    [Symbol.asyncDispose]: () => server.close(),
  }
}
