import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { BodyMemory } from '../../src/data-plane/body/body-memory.ts'
import { BodyIntake, type IntakeOptions } from '../../src/data-plane/body/body-intake.ts'
import { ReplayBudget } from '../../src/data-plane/body/replay-budget.ts'
import { createCounterBuffer, RequestCounters } from '../../src/data-plane/observe/counters.ts'
import { Upload } from '../../src/data-plane/body/upload.ts'
import { createBody } from '../support/create-body.ts'

const counters = new RequestCounters(createCounterBuffer())

function open(options: Partial<IntakeOptions> & { maxHeld?: number; maxBudget?: number } = {}) {
  const calls: string[] = []
  const { maxHeld = 1_000_000, maxBudget = 1_000_000_000, contentLength = -1 } = options
  const budget = new ReplayBudget(maxBudget, counters)
  const body = createBody({ budget, maxHeldBytes: maxHeld, contentLength })
  const intake = new BodyIntake(
    { onBodyReady: () => void calls.push('ready'), onBodyRefused: (code) => void calls.push(code) },
    body,
    { contentLength: -1, encoding: '', isJson: true, mayRewrite: false, maxWholeBytes: 100_000, ...options },
  )
  const give = (text: string | Uint8Array, isLast = false) => {
    intake.onData(Buffer.from(text))
    if (isLast) intake.onEnd([])
  }
  return { intake, body, budget, calls, give }
}

/** Cuts text at these places. */
function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const marks = [0, ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]
  return marks
    .slice(1)
    .map((mark, index) => bytes.subarray(marks[index], mark))
    .filter((piece) => piece.length > 0)
}

suite('body intake', () => {
  test('finds model and stream in however many pieces a body comes, and keeps its bytes', () => {
    const request = fc.record({ model: fc.string(), stream: fc.boolean(), pad: fc.string({ maxLength: 300 }) })
    fc.assert(
      fc.property(request, fc.array(fc.nat(), { maxLength: 20 }), fc.boolean(), (value, places, mayRewrite) => {
        const bytes = Buffer.from(JSON.stringify(value))
        const { intake, body, calls, give } = open({ mayRewrite, contentLength: bytes.length })
        for (const piece of cutAt(bytes, places)) give(piece)
        intake.onEnd([])
        assert.deepEqual(calls, ['ready'])
        assert.deepEqual([intake.scanner.model, intake.scanner.stream], [value.model, value.stream])
        assert.deepEqual(Buffer.from(body.whole()), bytes)
      }),
    )
  })

  test('is ready once, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200_000 }),
        fc.array(fc.nat(), { maxLength: 10 }),
        fc.boolean(),
        fc.boolean(),
        (bytes, places, mayRewrite, isChunked) => {
          const { intake, calls, give } = open({ mayRewrite, contentLength: isChunked ? -1 : bytes.length })
          for (const piece of cutAt(Buffer.from(bytes), places)) give(piece)
          intake.onEnd([])
          assert.equal(calls.length, 1)
        },
      ),
    )
  })

  test('a body that nothing rewrites begins to flow after 64 KiB, a small one when it is whole', () => {
    const large = open({ contentLength: 1_000_000 })
    large.give(`{"a":"${'x'.repeat(60_000)}`)
    assert.deepEqual(large.calls, [])
    large.give('x'.repeat(6_000))
    assert.deepEqual(large.calls, ['ready'])
    const small = open({ contentLength: 10 })
    small.give('{"a"')
    assert.deepEqual(small.calls, [])
    small.give(':12345', true)
    assert.deepEqual(small.calls, ['ready'])
  })

  test('what is no JSON object is not waited for, even where a rule may rewrite', () => {
    const { calls, give } = open({ mayRewrite: true, contentLength: 1_000_000 })
    give('--boundary\r\n')
    give('x'.repeat(70_000))
    assert.deepEqual(calls, ['ready'])
  })

  test('an object that a rule may rewrite is waited for whole, within the bound', () => {
    const { calls, give } = open({ mayRewrite: true })
    give(`{"a":"${'x'.repeat(90_000)}`)
    assert.deepEqual(calls, [])
    give('x'.repeat(20_000))
    assert.deepEqual(calls, ['PAYLOAD_TOO_LARGE'])
    give('more', true)
    assert.deepEqual(calls, ['PAYLOAD_TOO_LARGE'])
    const announced = open({ mayRewrite: true, contentLength: 100_001 })
    announced.give('{"a"')
    assert.deepEqual(announced.calls, ['PAYLOAD_TOO_LARGE'])
  })

  test('a body to rewrite that the worker has no memory for is refused as overload', () => {
    const { calls, give } = open({ mayRewrite: true, maxBudget: 10 })
    give('{"a":"xxxxxxxxxx')
    assert.deepEqual(calls, ['OVERLOADED'])
  })

  test('a compressed body is decoded where a rule may rewrite it; damaged or vast ones are refused', async () => {
    const outcome = async (bytes: Uint8Array) => {
      const settled = Promise.withResolvers<string>()
      const owner = {
        onBodyReady: () => settled.resolve('ready'),
        onBodyRefused: (code: string) => settled.resolve(code),
      }
      const body = createBody({ contentLength: bytes.length })
      const options = {
        contentLength: bytes.length,
        encoding: 'gzip',
        isJson: true,
        mayRewrite: true,
        maxWholeBytes: 50_000,
      }
      const intake = new BodyIntake(owner, body, options)
      intake.onData(bytes)
      intake.onEnd([])
      return { result: await settled.promise, intake }
    }
    const good = await outcome(gzipSync('{"model":"m"}'))
    assert.deepEqual([good.result, good.intake.scanner.model], ['ready', 'm'])
    assert.equal((await outcome(gzipSync(`{"a":"${'x'.repeat(60_000)}"}`))).result, 'BAD_REQUEST')
    assert.equal((await outcome(Buffer.from('no gzip'))).result, 'BAD_REQUEST')
  })
})

suite('request body', () => {
  test('may be let go while it is decoded: what reads it in another thread has bytes of its own', async () => {
    const { memory } = openMemory()
    const text = JSON.stringify({ model: 'm', pad: randomBytes(20_000).toString('hex') })
    const bytes = gzipSync(text)
    const body = createBody({ memory, contentLength: bytes.length })
    const ready = Promise.withResolvers<string>()
    const owner = { onBodyReady: () => ready.resolve('ready'), onBodyRefused: (code: string) => ready.resolve(code) }
    const options = { contentLength: bytes.length, encoding: 'gzip', isJson: true, mayRewrite: true }
    const intake = new BodyIntake(owner, body, { ...options, maxWholeBytes: 100_000 })
    intake.onData(bytes)
    intake.onEnd([])
    body.dispose()
    memory.take(bytes.length).memory.fill('!')
    assert.equal(await ready.promise, 'ready')
    assert.ok(Buffer.from(text).equals(intake.decoded!))
  })

  test('gives back to the budget exactly what it took, whatever was refused', () => {
    const sizes = fc.array(fc.nat({ max: 2_000 }), { maxLength: 20 })
    fc.assert(
      fc.property(sizes, fc.nat({ max: 20_000 }), fc.nat({ max: 20_000 }), (chunks, maxBudget, maxHeld) => {
        const { body, budget, intake } = open({ maxBudget, maxHeld })
        for (const size of chunks) intake.onData(new Uint8Array(size))
        assert.ok(budget.heldBytes <= maxBudget)
        if (body.bytes > maxHeld) assert.equal(budget.heldBytes, 0)
        body.dispose()
        assert.equal(budget.heldBytes, 0)
        body.dispose()
        assert.equal(budget.heldBytes, 0)
      }),
    )
  })

  test('is held once: joined pieces take the place of single ones, sent ones past the bound are let go', () => {
    const held = open()
    for (const text of ['abc', 'def']) held.give(text, text === 'def')
    assert.equal(Buffer.from(held.body.whole()).toString(), 'abcdef')
    assert.equal(held.body.pieceCount, 1)
    for (const [maxHeld, left] of [
      [10, 3],
      [5, 0],
    ] as const) {
      const { body, give } = open({ maxHeld })
      give('abc')
      give('def')
      new Upload(body).begin(sink([]).exchange)
      assert.deepEqual([body.piece(0).length, body.piece(1).length], [left, left])
    }
  })

  test('past the bound is never in memory as a whole: what is sent makes room, also what came when it could still be replayed', () => {
    const { memory, bytesInMemory } = openMemory()
    const body = createBody({ memory, maxHeldBytes: 1_000_000, contentLength: 50_000_000 })
    const { exchange, bytes } = sink([])
    const upload = new Upload(body)
    upload.begin(exchange)
    let most = 0
    for (let piece = 0; piece < 200; piece += 1) {
      body.add(Buffer.alloc(250_000, piece))
      upload.pump()
      bytes.length = 0
      most = Math.max(most, bytesInMemory())
    }
    // Five pieces were held before it was too large; half of the largest block may be unused.
    assert.ok(most <= 2 * 1_250_000, `${most} bytes`)
  })

  test('past the bound holds nothing while all that came is sent, however many are under way', () => {
    const { memory, bytesInMemory } = openMemory()
    for (let number = 0; number < 100; number += 1) {
      const body = createBody({ memory, maxHeldBytes: 1_000_000, contentLength: 50_000_000 })
      const upload = new Upload(body)
      upload.begin(sink([]).exchange)
      for (let piece = 0; piece < 7; piece += 1) {
        body.add(Buffer.alloc(170_000))
        upload.pump()
      }
    }
    // What is spare.
    assert.ok(bytesInMemory() <= 2_097_152, `${bytesInMemory()} bytes`)
  })

  test('one of a known and small size lies in one piece, however it came', () => {
    for (const size of [3_000, 20_000, 65_536]) {
      const body = createBody({ contentLength: size })
      for (let at = 0; at < size; at += 1_460) body.add(Buffer.alloc(Math.min(1_460, size - at), at / 1_460))
      body.complete([])
      const { buffer, byteOffset } = body.piece(0)
      const whole = body.whole()
      assert.deepEqual([whole.length, whole.buffer === buffer, whole.byteOffset === byteOffset], [size, true, true])
      assert.deepEqual(
        [whole[0], whole[1_459], whole[1_460], whole[size - 1]],
        [0, 0, 1, Math.floor((size - 1) / 1_460)],
      )
    }
  })

  test('an announced size takes no memory before its bytes come', () => {
    const { memory, bytesInMemory } = openMemory()
    createBody({ memory, contentLength: 10_000_000 }).add(Buffer.alloc(100))
    assert.equal(bytesInMemory(), 4_096)
  })

  test('memory is used again, by nobody before its body has let it go, and what is spare is bounded', () => {
    const step = fc.record({ body: fc.nat({ max: 2 }), size: fc.nat({ max: 100_000 }), action: fc.nat({ max: 9 }) })
    const steps = fc.array(step, { minLength: 30, maxLength: 60, size: 'max' })
    fc.assert(
      fc.property(steps, fc.array(fc.nat({ max: 300_000 })), (taken, lengths) => {
        const { memory, bytesInMemory } = openMemory()
        const begin = (index: number) => ({
          body: createBody({ memory, contentLength: lengths[index] ?? -1, maxHeldBytes: 60_000 }),
          sent: 0,
          values: [] as number[],
        })
        const bodies = [begin(0), begin(1), begin(2)]
        for (const [number, { body: index, size, action }] of taken.entries()) {
          const one = bodies[index]!
          if (action === 0) {
            one.body.dispose()
            bodies[index] = begin(index)
          } else if (action <= 5 && one.sent < one.body.pieceCount) {
            one.sent += 1
            one.body.letGo(one.sent)
          } else {
            one.body.add(Buffer.alloc(size, number))
            while (one.values.length < one.body.pieceCount) one.values.push(number)
          }
          for (const { body, values } of bodies)
            for (const [at, value] of values.entries())
              assert.ok(Buffer.alloc(body.piece(at).length, value).equals(body.piece(at)), 'written over')
        }
        for (const { body } of bodies) body.dispose()
        assert.ok(bytesInMemory() <= 2_097_152)
      }),
    )
  })

  test('each attempt sends it from its first byte, in order, as fast as it is taken', () => {
    const plan = fc.record({
      chunks: fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 20 }),
      blocks: fc.array(fc.boolean(), { maxLength: 60 }),
      startsAfter: fc.nat({ max: 20 }),
    })
    fc.assert(
      fc.property(plan, ({ chunks, blocks, startsAfter }) => {
        const body = createBody()
        const attempts = [sink(blocks), sink(blocks.toReversed())]
        const uploads = attempts.map(() => new Upload(body))
        uploads[0]!.begin(attempts[0]!.exchange)
        for (const [index, chunk] of chunks.entries()) {
          if (index === startsAfter) uploads[1]!.begin(attempts[1]!.exchange)
          body.add(chunk)
          for (const upload of uploads) upload.pump()
        }
        body.complete([])
        if (startsAfter >= chunks.length) uploads[1]!.begin(attempts[1]!.exchange)
        for (const upload of uploads) for (let turn = 0; turn < 30 && !upload.isDone; turn += 1) upload.onDrain()
        for (const { bytes, ends } of attempts) {
          assert.deepEqual(Buffer.concat(bytes), Buffer.concat(chunks))
          assert.equal(ends(), 1)
        }
      }),
    )
  })
})

function openMemory() {
  const own = new RequestCounters(createCounterBuffer())
  return { memory: new BodyMemory(own), bytesInMemory: () => own.get('body_memory_bytes') }
}

/** Takes everything, and says at each write whether it wants more. */
function sink(blocks: readonly boolean[]) {
  const bytes: Uint8Array[] = []
  let ended = 0
  const exchange = {
    write: (chunk: Uint8Array) => {
      bytes.push(chunk)
      return blocks[bytes.length - 1] !== true
    },
    end: () => void (ended += 1),
    pause: () => undefined,
    resume: () => undefined,
    abort: () => undefined,
  }
  return { bytes, exchange, ends: () => ended }
}
