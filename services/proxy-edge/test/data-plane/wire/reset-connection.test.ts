import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect as connectTcp, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { connect } from 'node:tls'
import { createCertificateAuthority } from '@gpt-load/testkit/servers/certificate-authority'
import { until } from '@gpt-load/testkit/until'
import { createDownstream, wireNames } from '../../../src/data-plane/wire/create-wires.ts'
import { resetConnection } from '../../../src/data-plane/wire/reset-connection.ts'
import { defaultLimits } from '../../support/open-data-plane.ts'
import { RecordingDownstreamReceiver } from '../../support/recording-receivers.ts'

suite('resets', () => {
  for (const wire of wireNames)
    test(`an abort before the answer is a reset over TLS too, and ends nothing else (${wire})`, async () => {
      using authority = await createCertificateAuthority()
      const { certPem, keyPem } = await authority.issue()
      const received: RecordingDownstreamReceiver[] = []
      const accept = (exchange: ConstructorParameters<typeof RecordingDownstreamReceiver>[0]) => {
        const receiver = new RecordingDownstreamReceiver(exchange)
        received.push(receiver)
        return receiver
      }
      const downstream = createDownstream(wire, defaultLimits, accept, { cert: certPem, key: keyPem })
      const { port } = await downstream.listen({ host: '127.0.0.1', port: 0, reusePort: false })
      const client = connect({ host: '127.0.0.1', port, ca: authority.caPem })
      const errors: string[] = []
      client.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code ?? ''))
      client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
      await until(() => received.length, { what: 'the request' })
      received[0]!.exchange.abort()
      await until(() => client.closed, { what: 'the close' })
      await received[0]!.called('abort')
      assert.deepEqual(errors, ['ECONNRESET'])
      await downstream.close()
    })

  test('a Unix socket is closed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gpt-load-reset-'))
    const server = createServer((socket: Socket) => resetConnection(socket)).listen(join(folder, 's'))
    await once(server, 'listening')
    await once(connectTcp(join(folder, 's')), 'close')
    server.close()
    rmSync(folder, { recursive: true })
  })
})
