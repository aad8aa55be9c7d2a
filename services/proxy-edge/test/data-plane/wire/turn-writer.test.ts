import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { Writable } from 'node:stream'
import { suite, test } from 'node:test'
import { TurnWriter } from '../../../src/data-plane/wire/turn-writer.ts'

/** What the system is given, call by call. */
function open(highWaterMark = 1_024) {
  const calls: string[] = []
  const pending: (() => void)[] = []
  const take = (text: string, done: () => void) => {
    calls.push(text)
    pending.push(done)
  }
  const socket = new Writable({
    highWaterMark,
    write: (chunk: Buffer, _encoding, done) => take(chunk.toString(), done),
    writev: (chunks, done) => take(chunks.map(({ chunk }) => String(chunk)).join(''), done),
  })
  return { calls, writer: new TurnWriter(socket as unknown as Socket), settle: () => pending.shift()?.() }
}

const bytes = (text: string) => Buffer.from(text)

suite('TurnWriter', () => {
  test('one small piece waits for the end of the turn; until then it is not with the system', () => {
    const { calls, writer, settle } = open()
    assert.equal(writer.isEmpty, true)
    assert.equal(writer.put(bytes('a')), true)
    assert.deepEqual([calls, writer.isEmpty], [[], false])
    writer.flush()
    assert.deepEqual([calls, writer.isEmpty], [['a'], false])
    settle()
    assert.equal(writer.isEmpty, true)
  })

  test('several leave in one call, in order, and the next turn begins anew', () => {
    const { calls, writer, settle } = open()
    for (const piece of ['a', 'b', 'c']) writer.put(bytes(piece))
    assert.deepEqual(calls, [])
    writer.flush()
    settle()
    writer.put(bytes('d'))
    writer.flush()
    assert.deepEqual(calls, ['abc', 'd'])
  })

  test('what is written at once goes behind what waits', () => {
    const { calls, writer, settle } = open()
    writer.put(bytes('a'))
    writer.write(bytes('b'))
    settle()
    assert.deepEqual(calls, ['a', 'b'])
  })

  test('a full socket says so when the kept piece leaves, and to the next piece', () => {
    const { writer } = open(4)
    assert.equal(writer.put(bytes('12345')), true)
    assert.equal(writer.flush(), false)
    assert.equal(writer.put(bytes('6')), false)
  })
})
