import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { connectRawClient } from '@gpt-load/testkit/upstreams/raw-client'
import { until } from '@gpt-load/testkit/until'
import type { DownstreamExchange } from '../../../src/data-plane/wire/downstream-exchange.ts'
import { parseMessage } from '../../support/http-message.ts'
import { wireNames, type WireName } from '../../../src/data-plane/wire/create-wires.ts'
import { openDownstream } from '../../support/open-downstream.ts'

async function answer(
  wireName: WireName,
  give: (exchange: DownstreamExchange) => void,
  head = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n',
) {
  await using down = await openDownstream(wireName)
  using client = await connectRawClient({ port: down.port })
  await client.write(head)
  const receiver = await down.nextExchange()
  give(receiver.exchange)
  const bytes = await client.readResponse({ isHead: head.startsWith('HEAD') })
  await receiver.called('finish')
  assert.deepEqual(receiver.calls, ['finish'])
  return { ...parseMessage(bytes), text: bytes.toString('latin1'), rest: await client.readUntilIdle(10) }
}

for (const wireName of wireNames)
  suite(`answers over ${wireName}`, () => {
    test('headers keep order, case, duplicates and bytes above 0x7f', async () => {
      const { headers, startLine } = await answer(wireName, (exchange) => {
        exchange.writeHead(201, 'Made Here', [
          'X-B',
          '2',
          'x-a',
          '1',
          'Set-Cookie',
          'a=1',
          'SET-cookie',
          'b=2',
          'X-N',
          'M\xfcller',
          'Date',
          'Thu, 01 Jan 1970 00:00:00 GMT',
          'Content-Length',
          '0',
        ])
        exchange.end()
      })
      assert.equal(startLine, 'HTTP/1.1 201 Made Here')
      assert.deepEqual(headers.slice(0, 7), [
        ['X-B', '2'],
        ['x-a', '1'],
        ['Set-Cookie', 'a=1'],
        ['SET-cookie', 'b=2'],
        ['X-N', 'M\xfcller'],
        ['Date', 'Thu, 01 Jan 1970 00:00:00 GMT'],
        ['Content-Length', '0'],
      ])
    })

    test('a head that goes out before its body keeps bytes above 0x7f', async () => {
      await using down = await openDownstream(wireName)
      using client = await connectRawClient({ port: down.port })
      await client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
      const { exchange } = await down.nextExchange()
      exchange.writeHead(200, 'OK', ['X-N', 'M\xfcller', 'Content-Length', '2'])
      const head = await client.readUntil('\r\n\r\n')
      assert.match(head.toString('latin1'), /X-N: M\xfcller\r\n/)
      exchange.write(Buffer.from('hi'))
      exchange.end()
      assert.equal((await client.readExactly(2)).toString(), 'hi')
    })

    test('a body without length goes out in chunks, with its trailers', async () => {
      const { text } = await answer(wireName, (exchange) => {
        exchange.writeHead(200, 'OK', ['Trailer', 'X-Sum'])
        exchange.write(Buffer.from('abc'))
        exchange.end(['X-Sum', '7', 'x-sum', '8'])
      })
      assert.match(text, /transfer-encoding: chunked\r\n/i)
      assert.match(text, /\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\nx-sum: 8\r\n\r\n$/)
    })

    test('trailers of an answer with a length are left out, the answer is not', async () => {
      const { body, header } = await answer(wireName, (exchange) => {
        exchange.writeHead(200, 'OK', ['Trailer', 'X-Sum', 'Content-Length', '3'])
        exchange.write(Buffer.from('abc'))
        exchange.end(['X-Sum', '7'])
      })
      assert.deepEqual([body, header('trailer'), header('content-length')], ['abc', undefined, '3'])
    })

    test('a client of HTTP/1.0 gets no chunks, and the end by the close', async () => {
      await using down = await openDownstream(wireName)
      using client = await connectRawClient({ port: down.port })
      await client.write('GET / HTTP/1.0\r\n\r\n')
      const { exchange } = await down.nextExchange()
      exchange.writeInformational(103, ['Link', '</a>'])
      exchange.writeHead(200, 'OK', ['Trailer', 'X-Sum'])
      exchange.write(Buffer.from('abc'))
      exchange.end(['X-Sum', '7'])
      const text = (await client.readUntilClose()).toString()
      assert.match(text, /^HTTP\/1\.1 200 OK\r\n/)
      assert.match(text, /\r\n\r\nabc$/)
      assert.doesNotMatch(text, /transfer-encoding/i)
    })

    test('103 goes out ahead of the answer, 101 and 100 never', async () => {
      await using down = await openDownstream(wireName)
      using client = await connectRawClient({ port: down.port })
      await client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
      const { exchange } = await down.nextExchange()
      for (const status of [100, 101, 103]) exchange.writeInformational(status, ['Link', '</a>; rel=preload'])
      exchange.writeHead(204, 'No Content', [])
      exchange.writeInformational(103, ['Link', '</late>'])
      exchange.end()
      const early = (await client.readResponse()).toString()
      assert.equal(early, 'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n')
      assert.match((await client.readResponse()).toString(), /^HTTP\/1\.1 204 /)
    })

    for (const [status, method] of [
      [204, 'GET'],
      [304, 'GET'],
      [200, 'HEAD'],
    ] as const)
      test(`${status} to ${method} goes out without body, with the headers that it has`, async () => {
        const give = (exchange: DownstreamExchange) => {
          exchange.writeHead(status, 'X', status === 204 ? ['Etag', '"a"'] : ['Etag', '"a"', 'Content-Length', '50'])
          exchange.end()
        }
        const { text, rest, header } = await answer(wireName, give, `${method} / HTTP/1.1\r\nHost: h\r\n\r\n`)
        assert.match(text, /\r\n\r\n$/)
        assert.equal(rest.length, 0)
        assert.equal(header('etag'), '"a"')
        assert.equal(header('content-length'), status === 204 ? undefined : '50')
        assert.equal(header('transfer-encoding'), undefined)
      })

    // node:http takes no such byte: its adapter falls back to the standard phrase.
    test('a reason phrase outside ASCII ends nothing', async () => {
      const { startLine } = await answer(wireName, (exchange) => {
        exchange.writeHead(404, 'Nicht gef\xfcnden', ['Content-Length', '0'])
        exchange.end()
      })
      assert.equal(startLine, `HTTP/1.1 404 ${wireName === 'http1' ? 'Nicht gef\xfcnden' : 'Not Found'}`)
    })

    test('a reader that stalls holds less than 4 MiB, and gets the rest when it goes on', async () => {
      await using down = await openDownstream(wireName)
      using client = await connectRawClient({ port: down.port })
      client.pause()
      await client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
      const receiver = await down.nextExchange()
      const piece = Buffer.alloc(65_536, 'x')
      let written = 0
      receiver.exchange.writeHead(200, 'OK', ['Content-Length', String(64 * 1_048_576)])
      const fill = () => {
        while (written < 64 * 1_048_576) {
          written += piece.length
          if (!receiver.exchange.write(piece)) return
        }
        receiver.exchange.end()
      }
      receiver.onDrain = fill
      fill()
      let before = -1
      const stalls = () => before === (before = written)
      await until(stalls, { what: 'the answer to stall', intervalMs: 50 })
      assert.ok(written < 12 * 1_048_576, `${written} bytes were taken`)
      client.resume()
      await client.readExactly(64 * 1_048_576)
      await receiver.called('finish')
    })

    test('an answer that a client does not take is broken off', async () => {
      await using down = await openDownstream(wireName, { writeStallTimeoutMs: 100 })
      using client = await connectRawClient({ port: down.port })
      client.pause()
      await client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
      const receiver = await down.nextExchange()
      receiver.exchange.writeHead(200, 'OK', [])
      receiver.exchange.write(Buffer.alloc(32 * 1_048_576))
      await receiver.called('abort')
    })

    test('a connection serves one request after the other, also after a body that was not read', async () => {
      await using down = await openDownstream(wireName)
      using client = await connectRawClient({ port: down.port })
      for (let turn = 0; turn < 3; turn += 1) {
        await client.write('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabcde')
        const { exchange } = await down.nextExchange()
        exchange.writeHead(200, 'OK', ['Content-Length', '2'])
        exchange.write(Buffer.from('ok'))
        exchange.end()
        assert.match((await client.readResponse()).toString(), /\r\n\r\nok$/)
      }
      assert.equal(down.server.openConnections, 1)
    })

    test('answers carry Connection: close while draining, open ones included', async () => {
      await using down = await openDownstream(wireName)
      using open = await connectRawClient({ port: down.port })
      await open.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
      const first = await down.nextExchange()
      down.server.startDraining()
      using late = await connectRawClient({ port: down.port })
      await late.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
      const second = await down.nextExchange()
      for (const { exchange } of [first, second]) {
        exchange.writeHead(200, 'OK', ['Content-Length', '0'])
        exchange.end()
      }
      for (const client of [open, late])
        assert.match((await client.readUntilClose()).toString(), /Connection: close\r\n/i)
    })
  })

/** Our own codec reads a request when the one before it is over (http1-smuggling.test.ts). */
suite('pipelined requests over node:http', () => {
  const get = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'

  test('103 of a later request never comes before the answer of the first', async () => {
    await using down = await openDownstream('node')
    using client = await connectRawClient({ port: down.port })
    await client.write(get + get)
    const first = await down.nextExchange()
    const second = await down.nextExchange()
    second.exchange.writeInformational(103, ['Link', '</a>'])
    for (const [{ exchange }, text] of [
      [second, 'two'],
      [first, 'one'],
    ] as const) {
      exchange.writeHead(200, 'OK', ['Content-Length', '3'])
      exchange.write(Buffer.from(text))
      exchange.end()
    }
    assert.match((await client.readResponse()).toString(), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\none$/)
  })

  test('a malformed one is not answered in the middle of the first answer', async () => {
    await using down = await openDownstream('node')
    using client = await connectRawClient({ port: down.port })
    await client.write(get)
    const { exchange } = await down.nextExchange()
    exchange.writeHead(200, 'OK', ['Content-Length', '1000'])
    exchange.write(Buffer.from('part'))
    await client.readUntil('part')
    await client.write('GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n')
    assert.equal((await client.readUntilClose()).toString(), '')
  })
})
