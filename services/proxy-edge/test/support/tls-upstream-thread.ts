import { once } from 'node:events'
import { createServer } from 'node:tls'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import type { AddressInfo } from 'node:net'
import type { IssuedCertificate } from '@gpt-load/testkit/servers/certificate-authority'

/**
 * A TLS upstream with a thread of its own: its answer can be there before our loop has made another turn, which one on our
 * own loop never manages. `stop` answers how many connections there were.
 */
export async function startTlsUpstreamThread({ tls }: { tls: Pick<IssuedCertificate, 'certPem' | 'keyPem'> }) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { cert: tls.certPem, key: tls.keyPem } })
  worker.unref()
  const [port] = (await once(worker, 'message')) as [number]
  return {
    port,
    async stop(): Promise<number> {
      worker.postMessage('stop')
      const [connections] = (await once(worker, 'message')) as [number]
      await worker.terminate()
      return connections
    },
  }
}

if (!isMainThread && parentPort !== null) {
  const closingBrace = 0x7d
  let connections = 0
  const answer = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'
  const server = createServer(workerData as { cert: string; key: string }, (socket) => {
    connections += 1
    // The end of a JSON body: one answer for a request, in however many pieces it comes.
    socket.on('data', (bytes: Buffer) => void (bytes.at(-1) === closingBrace && socket.write(answer)))
    socket.on('error', () => socket.destroy())
  })
  const port = parentPort
  server.listen(0, '127.0.0.1', () => port.postMessage((server.address() as AddressInfo).port))
  port.on('message', () => port.postMessage(connections))
}
