import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { suite, test } from 'node:test'
import { ChunkDecoder } from '@gpt-load/http1/chunk-decoder'
import { chunkBytes } from '@gpt-load/http1/head-writer'
import { isRefused } from '@gpt-load/http1/http1-error'
import * as fc from 'fast-check'
import { handleOwnRead, OwnRead, ownReadOf, readBufferBytes } from '../../../src/data-plane/wire/connect/own-read.ts'
import { LentPieces } from '../../../src/data-plane/wire/lent-pieces.ts'

function readInto(own: OwnRead, length: number, onBytes: (read: Buffer) => void): void {
  handleOwnRead(own, length, { onBytes })
}

function piecesTo(socket: Socket, onDrain: () => void): LentPieces {
  return new LentPieces(socket, { onDrain })
}

/** A client's socket that takes what was written when it is told to, so that whatever overwrote it meanwhile shows. */
class LateSocket {
  readonly #waiting: { bytes: Uint8Array; onWritten: (() => void) | undefined }[] = []
  readonly #taken: Buffer[] = []
  writes = 0

  write(bytes: Uint8Array, onWritten?: () => void): boolean {
    this.writes += 1
    this.#waiting.push({ bytes, onWritten })
    return false
  }

  take(howMany = Infinity): void {
    for (const { bytes, onWritten } of this.#waiting.splice(0, howMany)) {
      this.#taken.push(Buffer.from(bytes))
      onWritten?.()
    }
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#taken)
  }
}

type Chunk = { bytes: number; zeros: number; extension: string }

/** Frames as an upstream may write them. */
const chunk: fc.Arbitrary<Chunk> = fc.record({
  bytes: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 4_000, max: 9_000 }), fc.constant(16_384)),
  zeros: fc.constantFrom(0, 0, 0, 1, 5),
  extension: fc.constantFrom('', '', '', ';a=b', ';name="a longer value"'),
})

function frame({ bytes, zeros, extension }: Chunk, fill: number): Buffer {
  const head = `${'0'.repeat(zeros)}${bytes.toString(16).toUpperCase()}${extension}\r\n`
  return Buffer.concat([Buffer.from(head), Buffer.alloc(bytes, fill), Buffer.from('\r\n')])
}

/** What the client's connection does with a read: large pieces stay where they are, small ones are copied. */
function forward(own: OwnRead, bytes: Buffer, decoder: ChunkDecoder, socket: LateSocket, pieces: LentPieces): number {
  let end = 0
  bytes.copy(own.room)
  const writeLent = (): void => {
    if (!pieces.isEmpty) pieces.write()
  }
  const copy = (payload: Buffer): void => {
    writeLent()
    socket.write(chunkBytes(payload))
  }
  own.client = { writeLent }
  readInto(own, bytes.length, (read) => {
    const onChunk = (payload: Buffer): void => {
      if (payload.length < 4_096) return copy(payload)
      const from = ownReadOf(payload)
      assert.ok(from !== null)
      if (!pieces.isEmpty && pieces.add(from, payload, true)) return
      writeLent()
      if (!pieces.add(from, payload, true)) copy(Buffer.from(payload))
    }
    end = decoder.decodePieces(read, 0, { onChunk })
  })
  return end
}

function payloadOf(bytes: Buffer): Buffer {
  const decoder = new ChunkDecoder()
  const copy = Buffer.from(bytes)
  assert.equal(decoder.decode(copy, 0), copy.length)
  return copy.subarray(decoder.dataStart, decoder.dataEnd)
}

suite('pieces that stay where they were read', () => {
  test('however an upstream frames its chunks and wherever reads cut them, the client gets well-formed ones', () => {
    const own = OwnRead.take()!
    fc.assert(
      fc.property(
        fc.array(chunk, { minLength: 1, maxLength: 30 }),
        fc.array(fc.nat(150_000), { maxLength: 12 }),
        (chunks, at) => {
          const frames = chunks.map((one, index) => frame(one, 65 + (index % 26)))
          const body = Buffer.concat([...frames, Buffer.from('0\r\n\r\n')])
          const cuts = at.filter((cut) => cut > 0 && cut < body.length).sort((a, b) => a - b)
          const socket = new LateSocket()
          let drained = 0
          const pieces = piecesTo(socket as unknown as Socket, () => void (drained += 1))
          const decoder = new ChunkDecoder()
          let start = 0
          for (const cut of [...cuts, body.length]) {
            for (; start < cut; start = Math.min(cut, start + readBufferBytes))
              forward(own, body.subarray(start, Math.min(cut, start + readBufferBytes)), decoder, socket, pieces)
            // Only then is the buffer read into again.
            socket.take()
          }
          socket.write(Buffer.from('0\r\n\r\n'))
          socket.take()
          assert.ok(payloadOf(socket.bytes).equals(payloadOf(body)))
        },
      ),
      { numRuns: 1_000 },
    )
    own.leave()
  })

  test('what follows each other goes out in one write, from where it lies', () => {
    const own = OwnRead.take()!
    const body = Buffer.concat(Array.from({ length: 10 }, () => frame({ bytes: 16_384, zeros: 0, extension: '' }, 65)))
    const socket = new LateSocket()
    const pieces = piecesTo(socket as unknown as Socket, () => {})
    // It begins and ends inside a chunk, as most reads do.
    const decoder = new ChunkDecoder()
    decoder.decode(Buffer.from(body.subarray(0, 1_000)), 0)
    forward(own, body.subarray(1_000, body.length - 5_000), decoder, socket, pieces)
    assert.equal(socket.writes, 1)
    socket.take()
    own.leave()
  })

  for (const tail of ['XX', '\rX', 'X\n'])
    test(`a malformed end of a chunk (${JSON.stringify(tail)}) is found as it came, though its payload is written before`, () => {
      const own = OwnRead.take()!
      const body = frame({ bytes: 5_000, zeros: 0, extension: '' }, 65)
      body.write(tail, body.length - 2)
      const socket = new LateSocket()
      const pieces = piecesTo(socket as unknown as Socket, () => {})
      body.copy(own.room)
      const decoder = new ChunkDecoder()
      readInto(own, body.length, (read) => {
        const onChunk = (payload: Buffer): void => {
          assert.ok(pieces.add(own, payload, true))
          pieces.write()
        }
        assert.equal(decoder.decodePieces(read, 0, { onChunk }), isRefused)
      })
      socket.take()
      assert.equal(socket.bytes.length, body.length)
      assert.equal(socket.bytes.toString('latin1', body.length - 2), '\r\n')
      own.leave()
    })

  test('a piece is not joined to one behind which no end of a frame stands', () => {
    const own = OwnRead.take()!
    const pieces = piecesTo(new LateSocket() as unknown as Socket, () => {})
    readInto(own, 20_000, (read) => {
      read.fill(65)
      assert.equal(pieces.add(own, read.subarray(0, 5_000), true), true)
      assert.equal(pieces.add(own, read.subarray(5_008, 10_000), true), false)
      read.write('\r\n', 5_000)
      assert.equal(pieces.add(own, read.subarray(5_008, 10_000), true), true)
    })
    own.leave()
  })

  test('plain pieces are joined where one begins at the end of the other', () => {
    const own = OwnRead.take()!
    const socket = new LateSocket()
    const pieces = piecesTo(socket as unknown as Socket, () => {})
    readInto(own, 20_000, (read) => {
      read.fill(65, 0, 8_000).fill(66, 8_000)
      assert.equal(pieces.add(own, read.subarray(0, 4_000), false), true)
      assert.equal(pieces.add(own, read.subarray(4_000, 8_000), false), true)
      assert.equal(pieces.add(own, read.subarray(8_001, 9_000), false), false)
      pieces.write()
    })
    socket.take()
    assert.equal(socket.bytes.toString(), 'A'.repeat(8_000))
    own.leave()
  })

  test('whoever reads goes on when all that was lent is written', () => {
    const own = OwnRead.take()!
    const socket = new LateSocket()
    let drained = 0
    const pieces = piecesTo(socket as unknown as Socket, () => void (drained += 1))
    readInto(own, 20_000, (read) => {
      for (const at of [0, 10_000]) {
        assert.ok(pieces.add(own, read.subarray(at, at + 5_000), false))
        pieces.write()
      }
    })
    socket.take(1)
    assert.equal(drained, 0)
    socket.take(1)
    assert.equal(drained, 1)
    own.leave()
  })

  test('a buffer that is left while it is written from is nobody else’s before that is done', () => {
    const own = OwnRead.take()!
    const socket = new LateSocket()
    const pieces = piecesTo(socket as unknown as Socket, () => {})
    forward(own, frame({ bytes: 9_000, zeros: 0, extension: '' }, 65), new ChunkDecoder(), socket, pieces)
    own.leave()
    const other = OwnRead.take()!
    assert.notEqual(other, own)
    socket.take()
    assert.equal(OwnRead.take(), own)
    other.leave()
    own.leave()
  })

  test('there are 32 a worker', () => {
    const taken = Array.from({ length: 32 }, () => OwnRead.take())
    assert.ok(taken.every((own) => own !== null))
    assert.equal(OwnRead.take(), null)
    for (const own of taken) own!.leave()
  })
})
