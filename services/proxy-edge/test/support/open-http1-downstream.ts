import { createWaitingQueue } from '@gpt-load/testkit/upstreams/waiting-queue'
import type { DownstreamLimits } from '../../src/data-plane/wire/downstream-exchange.ts'
import { Http1Downstream } from '../../src/data-plane/wire/http1-downstream.ts'
import { defaultLimits } from './open-data-plane.ts'
import { RecordingDownstreamReceiver } from './recording-receivers.ts'

export interface OpenHttp1Downstream extends AsyncDisposable {
  readonly port: number
  readonly server: Http1Downstream
  readonly received: RecordingDownstreamReceiver[]
  /** The next exchange whose head has come. */
  nextExchange(): Promise<RecordingDownstreamReceiver>
}

/** Our own codec towards clients, alone; what a request does is up to the test. */
export async function openHttp1Downstream(limits: Partial<DownstreamLimits> = {}): Promise<OpenHttp1Downstream> {
  const received: RecordingDownstreamReceiver[] = []
  const queue = createWaitingQueue<RecordingDownstreamReceiver>()
  const server = new Http1Downstream({ ...defaultLimits, ...limits }, (exchange) => {
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
