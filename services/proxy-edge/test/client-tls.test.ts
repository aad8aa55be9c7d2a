import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { connect } from 'node:tls'
import { createCertificateAuthority } from '@gpt-load/testkit/servers/certificate-authority'
import { until } from '@gpt-load/testkit/until'
import { openClientTls } from '../src/client-tls.ts'
import { createDownstream, wireNames } from '../src/data-plane/wire/create-wires.ts'
import type { ClientTls } from '../src/data-plane/wire/downstream-exchange.ts'
import { defaultLimits } from './support/open-data-plane.ts'

const silent = { info() {}, error() {} }

/** Certificate and key in files of their own, as certbot leaves them. */
function folder() {
  const path = mkdtempSync(join(tmpdir(), 'gpt-load-tls-'))
  return {
    certFile: join(path, 'cert.pem'),
    keyFile: join(path, 'key.pem'),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  }
}

suite('TLS for clients', () => {
  for (const wire of wireNames)
    test(`answers over TLS, keeps connections, and serves another certificate when told (${wire})`, async () => {
      using authority = await createCertificateAuthority()
      const [first, second] = [await authority.issue(), await authority.issue()]
      const pairOf = ({ certPem, keyPem }: typeof first): ClientTls => ({ cert: certPem, key: keyPem })
      const seen: boolean[] = []
      const downstream = createDownstream(
        wire,
        defaultLimits,
        (exchange) => {
          seen.push(exchange.isEncrypted)
          exchange.writeHead(200, 'OK', ['Content-Length', '2'])
          exchange.write(Buffer.from('ok'))
          exchange.end()
          return { onData() {}, onEnd() {}, onDrain() {}, onAbort() {}, onFinish() {} }
        },
        pairOf(first),
      )
      const { port } = await downstream.listen({ host: '127.0.0.1', port: 0, reusePort: false })
      const ask = async () => {
        const socket = connect({ host: '127.0.0.1', port, ca: authority.caPem, ALPNProtocols: ['h2', 'http/1.1'] })
        await once(socket, 'secureConnect')
        const { serialNumber } = socket.getPeerCertificate()
        for (let n = 0; n < 2; n += 1) {
          socket.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
          let text = ''
          for await (const [chunk] of on(socket)) {
            text += chunk
            if (text.endsWith('ok')) break
          }
          assert.match(text, /^HTTP\/1\.1 200 OK\r\n/)
        }
        socket.destroy()
        return serialNumber
      }
      const before = await ask()
      downstream.setTls(pairOf(second))
      assert.notEqual(await ask(), before)
      assert.deepEqual(new Set(seen), new Set([true]))
      await downstream.close()
    })

  test('files that change are read again; a pair that does not fit leaves the former one in force', async () => {
    using authority = await createCertificateAuthority()
    const [first, second] = [await authority.issue(), await authority.issue()]
    using files = folder()
    const { certFile, keyFile } = files
    const write = (cert: typeof first, key: typeof first) => {
      copyFileSync(cert.certFile, certFile)
      copyFileSync(key.keyFile, keyFile)
    }
    write(first, first)
    const changes: ClientTls[] = []
    const tls = await openClientTls({
      certFile,
      keyFile,
      logger: silent,
      onChange: (pair) => void changes.push(pair),
      watchIntervalMs: 20,
    })
    write(second, first)
    writeFileSync(keyFile, 'no key at all')
    assert.equal(tls.current()?.cert, first.certPem)
    write(second, second)
    await until(() => changes.length > 0, { what: 'the change', timeoutMs: 5_000 })
    assert.deepEqual([tls.current()?.cert, tls.current()?.key], [second.certPem, second.keyPem])
    tls.close()
  })

  test('a start with files that do not fit is refused with what to do', async () => {
    using authority = await createCertificateAuthority()
    const [first, second] = [await authority.issue(), await authority.issue()]
    const wrong = { certFile: first.certFile, keyFile: second.keyFile, logger: silent, onChange() {} }
    await assert.rejects(openClientTls(wrong), /TLS_CERT and TLS_KEY cannot be used[\s\S]*-> name the PEM files/)
  })
})

function on(socket: ReturnType<typeof connect>) {
  return {
    async *[Symbol.asyncIterator](): AsyncGenerator<[string]> {
      for (;;) {
        const [chunk] = (await once(socket, 'data')) as [Buffer]
        yield [chunk.toString('latin1')]
      }
    },
  }
}
