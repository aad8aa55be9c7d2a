import { createWaitingQueue } from '@gpt-load/testkit/upstreams/waiting-queue'
import type { DownstreamLimits } from '../../src/data-plane/wire/downstream-exchange.ts'
import { NodeHttpDownstream } from '../../src/data-plane/wire/node-http-downstream.ts'
import { defaultLimits } from './open-data-plane.ts'
import { RecordingDownstreamReceiver } from './recording-receivers.ts'

export interface NodeDownstream extends AsyncDisposable {
  readonly port: number
  readonly server: NodeHttpDownstream
  readonly received: RecordingDownstreamReceiver[]
  /** The next exchange whose head has come. */
  nextExchange(): Promise<RecordingDownstreamReceiver>
}

/** The downstream adapter alone; what a request does is up to the test. */
export async function openNodeDownstream(limits: Partial<DownstreamLimits> = {}): Promise<NodeDownstream> {
  const received: RecordingDownstreamReceiver[] = []
  const queue = createWaitingQueue<RecordingDownstreamReceiver>()
  const server = new NodeHttpDownstream({ ...defaultLimits, ...limits }, (exchange) => {
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
