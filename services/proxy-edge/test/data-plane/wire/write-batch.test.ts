import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type BatchMember, WriteBatch } from '../../../src/data-plane/wire/write-batch.ts'

class Writer implements BatchMember {
  isInBatch = false
  nextInBatch: BatchMember | null = null
  ends = 0
  onBatchEnd(): void {
    this.ends += 1
  }
}

/** Turns in which one writer writes, until it is not made to wait any more. */
async function becomeLonely(batch: WriteBatch, writer: Writer): Promise<void> {
  for (let turns = 0; batch.join(writer); turns += 1) {
    assert.ok(turns < 10, 'a lonely writer still waits')
    await turn()
  }
  await turn()
}

suite('WriteBatch', () => {
  test('what is written in one turn leaves at its end, once for each writer, in order', async () => {
    const batch = new WriteBatch()
    const order: string[] = []
    const [first, second] = [new Writer(), new Writer()]
    first.onBatchEnd = () => void order.push('first')
    second.onBatchEnd = () => void order.push('second')
    assert.deepEqual([batch.join(first), batch.join(second), batch.join(first)], [true, true, true])
    await Promise.resolve()
    assert.deepEqual(order, [])
    await turn()
    assert.deepEqual(order, ['first', 'second'])
  })

  test('a writer that is alone turn after turn is not made to wait', async () => {
    const batch = new WriteBatch()
    const writer = new Writer()
    await becomeLonely(batch, writer)
    const before = writer.ends
    assert.equal(batch.join(writer), false)
    await new Promise<void>((resolve) => process.nextTick(resolve))
    assert.equal(writer.ends, before + 1, 'told at the end of the callback')
  })

  test('company is noticed', async () => {
    const batch = new WriteBatch()
    const [writer, other] = [new Writer(), new Writer()]
    await becomeLonely(batch, writer)
    let waits = false
    for (let turns = 0; turns < 20 && !waits; turns += 1) {
      batch.join(writer)
      waits = batch.join(other)
      await turn()
    }
    assert.ok(waits, 'one write in some looks for company')
    assert.equal(batch.join(writer), true)
    await turn()
  })

  test('who writes while the batch leaves is in the next one', async () => {
    const batch = new WriteBatch()
    const writer = new Writer()
    writer.onBatchEnd = () => {
      writer.ends += 1
      if (writer.ends === 1) batch.join(writer)
    }
    batch.join(writer)
    await turn()
    assert.equal(writer.ends, 1)
    await turn()
    assert.equal(writer.ends, 2)
  })
})
