import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createDuplicateFinder } from '../src/duplicate-finder.ts'
import { readKeys } from '../src/keys-file.ts'

async function* inChunks(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0
  for (const size of sizes) {
    yield bytes.subarray(at, at + size)
    at += size
  }
  yield bytes.subarray(at)
}

async function read(text: string, sizes: readonly number[] = []) {
  const problems: { line: number; message: string }[] = []
  const batches = await Array.fromAsync(
    readKeys(inChunks(Buffer.from(text), sizes), { onProblem: (problem) => problems.push(problem) }),
  )
  return { batches, keys: batches.flat().map(({ key, line }) => `${line} ${key}`), problems }
}

test('comment lines and blank lines are nothing, keys are trimmed, lines are counted as an editor counts them', async () => {
  const { keys, problems } = await read('\uFEFFone\r\n# two\n\n  #three\n\tfour \n5#5\nsix')
  assert.deepEqual(keys, ['1 one', '5 four', '6 5#5', '7 six'])
  assert.deepEqual(problems, [])
})

test('an endless line is refused without being kept', async () => {
  const { keys, problems } = await read(`a\n${'x'.repeat(3_000_000)}\nb\n`, Array(200).fill(15_000))
  assert.deepEqual(keys, ['1 a', '3 b'])
  assert.deepEqual(problems, [{ line: 2, message: 'this line is too long for a key' }])
})

test('keys come in batches of a thousand at most', async () => {
  const { batches } = await read(Array.from({ length: 2_500 }, (_, index) => `k${index}`).join('\n'))
  assert.deepEqual(
    batches.map((batch) => batch.length),
    [1_000, 1_000, 500],
  )
})

test('property: where the chunks end makes no difference', async () => {
  const text = fc
    .array(fc.constantFrom('key', 'ä', '€', '😀', '\n', '\r\n', ' ', '#', '\t'), { maxLength: 40 })
    .map((parts) => parts.join(''))
  await fc.assert(
    fc.asyncProperty(text, fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 40 }), async (content, sizes) => {
      assert.deepEqual(await read(content, sizes), await read(content))
    }),
  )
})

test('property: the duplicate finder finds what a map finds', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 3 }), { maxLength: 3_000 }), (keys) => {
      const finder = createDuplicateFinder()
      const seen = new Map<string, number>()
      return keys.every((key, index) => {
        const expected = seen.get(key)
        if (expected === undefined) seen.set(key, index + 1)
        return finder.firstPlaceOf(key, index + 1) === expected
      })
    }),
  )
})

test('a hundred thousand different keys have no duplicate', () => {
  const finder = createDuplicateFinder()
  for (let index = 1; index <= 100_000; index += 1)
    assert.equal(finder.firstPlaceOf(`sk-proj-${index}`, index), undefined)
  assert.equal(finder.firstPlaceOf('sk-proj-77', 1), 77)
})
