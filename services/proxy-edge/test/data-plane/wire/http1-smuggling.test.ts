import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { connectRawClient } from '@gpt-load/testkit/upstreams/raw-client'
import { openHttp1Downstream } from '../../support/open-downstream.ts'

/** A second request hides behind each of these, if anybody reads the first one in another way than its sender meant. */
const hidden = 'GET /admin HTTP/1.1\r\nHost: a\r\n\r\n'
const post = (...fields: string[]) => `POST / HTTP/1.1\r\nHost: a\r\n${fields.join('\r\n')}\r\n\r\n`
const chunked = post('Transfer-Encoding: chunked')

suite('smuggling and desync over our own codec', () => {
  for (const [name, status, bytes] of [
    ['a length and chunks', 400, post('Content-Length: 6', 'Transfer-Encoding: chunked') + '0\r\n\r\n'],
    ['chunks and a length', 400, post('Transfer-Encoding: chunked', 'Content-Length: 6') + '0\r\n\r\n'],
    ['two lengths', 400, post('Content-Length: 0', 'Content-Length: 44')],
    ['two equal lengths', 400, post('Content-Length: 0', 'Content-Length: 0')],
    ['a list of lengths', 400, post('Content-Length: 0, 44')],
    ['a length with a sign', 400, post('Content-Length: +0')],
    ['a length past 2^53', 400, post('Content-Length: 99999999999999999999')],
    ['chunked twice', 400, post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked') + '0\r\n\r\n'],
    ['chunked and identity', 400, post('Transfer-Encoding: chunked, identity') + '0\r\n\r\n'],
    ['a coding with a vertical tab', 400, post('Transfer-Encoding: \x0bchunked') + '0\r\n\r\n'],
    ['a coding with a tab behind', 400, post('Transfer-Encoding: chunked\t') + '0\r\n\r\n'],
    ['a coding in a folded line', 400, post('Transfer-Encoding:', ' chunked') + '0\r\n\r\n'],
    ['a coding in HTTP/1.0', 400, 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a blank before the colon', 400, post('Content-Length : 0')],
    ['a header hidden by a bare LF', 400, post('X: a\nContent-Length: 44')],
    ['a header hidden by a bare CR', 400, post('X: a\rContent-Length: 44')],
    ['a NUL in a name', 400, post('Content-\0Length: 0')],
    ['a NUL in a value', 400, post('X: a\0')],
    ['two Hosts', 400, post('Host: b')],
    ['no Host', 400, 'GET / HTTP/1.1\r\n\r\n'],
    ['a Host of another shape', 400, 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n'],
    ['absolute form', 400, 'GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['CONNECT', 400, 'CONNECT b:443 HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a blank in the target', 400, 'GET / HTTP/1.1 x HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['HTTP/0.9', 400, 'GET /\r\n\r\n'],
    ['the preface of HTTP/2', 505, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['an unknown method', 501, 'SMUGGLE / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['another expectation', 417, post('Expect: nothing', 'Content-Length: 1')],
    ['a long target', 414, `GET /${'a'.repeat(40_000)} HTTP/1.1\r\nHost: a\r\n\r\n`],
    ['many headers', 431, post(...Array.from({ length: 300 }, () => 'X: y'))],
    ['a large head', 431, post(`X: ${'a'.repeat(70_000)}`)],
  ] as const)
    test(`${name} is refused with ${status}, and nothing behind it is read`, async () => {
      await using down = await openHttp1Downstream()
      using client = await connectRawClient({ port: down.port })
      await client.write(bytes + hidden)
      const text = (await client.readUntilClose()).toString()
      assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} [^\\r]+\\r\\nConnection: close\\r\\n`))
      assert.equal(text.split('HTTP/1.1 ').length, 2, 'one answer')
      assert.equal(down.received.length, 0)
    })

  for (const [name, status, body] of [
    ['a chunk size in 0x', 400, '0x3\r\nabc\r\n0\r\n\r\n'],
    ['a chunk size with a blank', 400, '3 \r\nabc\r\n0\r\n\r\n'],
    ['a chunk size that wraps', 400, '100000000000000003\r\nabc\r\n0\r\n\r\n'],
    ['a chunk longer than it says', 400, '3\r\nabcd\r\n0\r\n\r\n'],
    ['a chunk that ends with a bare LF', 400, '3\r\nabc\n0\r\n\r\n'],
    ['a chunk extension with LF', 400, '3;a\nb\r\nabc\r\n0\r\n\r\n'],
    ['a chunk extension without end', 413, `3;${'a'.repeat(2_000)}\r\nabc\r\n0\r\n\r\n`],
    ['a length behind the body', 400, '0\r\nContent-Length: 3\r\n\r\n'],
    ['trailers without end', 431, `0\r\n${'X: y\r\n'.repeat(5_000)}\r\n`],
  ] as const)
    test(`${name} ends the request with ${status}, and nothing behind it is read`, async () => {
      await using down = await openHttp1Downstream()
      using client = await connectRawClient({ port: down.port })
      await client.write(chunked + body + hidden)
      const receiver = await down.nextExchange()
      receiver.exchange.resume()
      const text = (await client.readUntilClose()).toString()
      assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `))
      assert.equal(receiver.calls.at(-1), 'abort')
      assert.equal(receiver.calls.includes('end'), false)
      assert.equal(down.received.length, 1)
    })

  test('pipelined requests are served one at a time, in order, each with its own body', async () => {
    await using down = await openHttp1Downstream()
    using client = await connectRawClient({ port: down.port })
    const body = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n'
    await client.write(
      `POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}` +
        `POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` +
        hidden,
    )
    for (const target of ['/1', '/2', '/admin']) {
      const receiver = await down.nextExchange()
      assert.equal(receiver.exchange.target, target)
      receiver.exchange.resume()
      if (target !== '/admin') await receiver.called('end')
      assert.equal(receiver.body, target === '/admin' ? '' : body)
      await client.readUntilIdle(10)
      assert.equal(down.received.at(-1), receiver, 'the next one waits for this answer')
      receiver.exchange.writeHead(200, 'OK', ['Content-Length', '2'])
      receiver.exchange.write(Buffer.from(target.slice(0, 2)))
      receiver.exchange.end()
      assert.ok((await client.readResponse()).toString().endsWith(`\r\n\r\n${target.slice(0, 2)}`))
    }
  })

  test('a malformed request behind a good one is refused after the answer to the good one, never inside it', async () => {
    await using down = await openHttp1Downstream()
    using client = await connectRawClient({ port: down.port })
    await client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n')
    const { exchange } = await down.nextExchange()
    exchange.writeHead(200, 'OK', ['Content-Length', '4'])
    exchange.write(Buffer.from('pa'))
    await client.readUntil('pa')
    assert.equal((await client.readUntilIdle(20)).length, 0)
    exchange.write(Buffer.from('rt'))
    exchange.end()
    assert.match((await client.readUntilClose()).toString(), /^rtHTTP\/1\.1 400 /)
    assert.equal(down.received.length, 1)
  })

  test('a request behind a Connection: close is never read', async () => {
    await using down = await openHttp1Downstream()
    using client = await connectRawClient({ port: down.port })
    await client.write(`GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n${hidden}`)
    const { exchange } = await down.nextExchange()
    exchange.writeHead(200, 'OK', ['Content-Length', '0'])
    exchange.end()
    const text = (await client.readUntilClose()).toString()
    assert.match(text, /Connection: close\r\n/)
    assert.equal(text.split('HTTP/1.1 ').length, 2)
    assert.equal(down.received.length, 1)
  })

  test('a head that comes byte by byte is the same head', async () => {
    await using down = await openHttp1Downstream()
    using client = await connectRawClient({ port: down.port })
    const text = 'POST /a?b HTTP/1.1\r\nHost: a\r\nX-N: M\xfcller\r\nContent-Length: 3\r\n\r\nabc'
    await client.writePieces(text, 0)
    const receiver = await down.nextExchange()
    receiver.exchange.resume()
    await receiver.called('end')
    assert.deepEqual(receiver.exchange.rawHeaders, ['Host', 'a', 'X-N', 'M\xfcller', 'Content-Length', '3'])
    assert.equal(receiver.body, 'abc')
  })
})
