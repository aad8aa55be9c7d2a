import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { readEnvironment } from '../src/environment.ts'
import { createLogFile } from '../src/log-file.ts'
import type { LogFormat } from '../src/log-line.ts'
import { createLog, logOptions, logVariables, type LogLevel } from '../src/logger.ts'
import { createSecretScrubber } from '../src/secret-scrubber.ts'

function capture(format: LogFormat, known: readonly string[] = [], level: LogLevel = 'debug') {
  const lines: string[] = []
  const output = {
    write: (line: string) => void lines.push(line),
    flush: () => undefined,
    close: async () => undefined,
    droppedLines: 0,
  }
  const log = createLog({
    level,
    format,
    scrubber: createSecretScrubber({ known }),
    fields: { service: 'edge' },
    output,
  })
  return { logger: log.logger, lines, text: () => lines.join('') }
}

test('a text line is time, level, message and fields, the stack indented below', () => {
  const { logger, lines } = capture('text')
  logger.child({ group: 'openai main' }).warn({ attempts: 3, url: 'https://api.openai.com/v1' }, 'retrying')
  assert.match(
    lines[0] ?? '',
    /^\d{4}-\d\d-\d\dT[\d:.]+Z WARN {2}retrying service=edge group="openai main" attempts=3 url=https:\/\/api\.openai\.com\/v1\n$/,
  )
  logger.error({ err: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }) }, 'no connection')
  assert.match(lines[1] ?? '', /ERROR no connection service=edge err="Error: refused" err\.code=ECONNREFUSED\n {4}at /)
})

test('a JSON line is one object with the level by name', () => {
  const { logger, lines } = capture('json')
  logger.info({ nested: { a: [1, 'x'] } }, 'started')
  const record = JSON.parse(lines[0] ?? '')
  assert.deepEqual(
    [record.level, record.msg, record.service, record.nested],
    ['info', 'started', 'edge', { a: [1, 'x'] }],
  )
})

test('levels below LOG_LEVEL are not written', () => {
  const { logger, lines } = capture('text', [], 'warn')
  logger.info('quiet')
  assert.equal(lines.length, 0)
})

test('a logged text cannot forge a line or command a terminal', () => {
  const hostile = 'x\n2026-01-01T00:00:00.000Z ERROR forged\r\u001b[2J\u2028\u0085'
  const { logger, lines } = capture('text')
  logger.info({ [hostile]: hostile }, hostile)
  logger.error({ err: new Error(hostile) }, 'failed')
  for (const line of lines) {
    assert.ok(
      line
        .split('\n')
        .slice(1, -1)
        .every((rest) => rest.startsWith('    at ')),
    )
    assert.doesNotMatch(line.replaceAll('\n', ''), /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
  }
})

test('fields that are named like secrets are masked whatever they hold', () => {
  for (const format of ['text', 'json'] as const) {
    const { logger, text } = capture(format)
    logger.info(
      {
        headers: { Authorization: 'x1', 'x-api-key': 'x1', 'set-cookie': ['x1'] },
        password: 'x1',
        apiKey: 'x1',
        redisPassword: 'x1',
      },
      'm',
    )
    assert.doesNotMatch(text(), /x1/)
  }
})

test('a text longer than the bound is cut after it was scrubbed', () => {
  const { logger, text } = capture('json', ['canary-value'])
  logger.info({ body: 'b'.repeat(16_380) + 'canary-value' + 'c'.repeat(9_000) }, 'm')
  assert.ok(text().length < 17_000)
  assert.doesNotMatch(text(), /cana/)
})

test('a secret that only the finished line spells withholds the line instead of breaking its JSON', () => {
  const { logger, lines } = capture('json', ['"a":1,"b":2'])
  logger.info({ a: 1, b: 2 }, 'm')
  assert.equal(JSON.parse(lines[0] ?? '').level, 'warn')
  assert.doesNotMatch(lines[0] ?? '', /"b":2/)
})

const canaries = fc
  .tuple(fc.string({ maxLength: 20, unit: 'binary' }), fc.string({ maxLength: 20, unit: 'grapheme' }))
  .map(([before, after]) => `${before}Zq7canaryX${after}`)

type Place = (logger: ReturnType<typeof capture>['logger'], canary: string) => void

const places: Record<string, Place> = {
  message: (logger, canary) => logger.info(`connected with ${canary}.`),
  'error message and stack': (logger, canary) => logger.error({ err: new Error(`bad key ${canary}`) }, 'failed'),
  'cause of an error': (logger, canary) =>
    logger.error({ err: new Error('a', { cause: new TypeError(canary) }) }, 'failed'),
  'own field of an error': (logger, canary) =>
    logger.error({ err: Object.assign(new Error('a'), { config: { headers: [canary] } }) }, 'x'),
  'nested field': (logger, canary) => logger.info({ a: { b: [{ c: canary }] } }, 'm'),
  'field name': (logger, canary) => logger.info({ [`k-${canary}`]: 1 }, 'm'),
  'URL query': (logger, canary) => logger.info({ url: `https://x.test/?q=${encodeURIComponent(canary)}` }, 'm'),
  'JSON text': (logger, canary) => logger.info({ body: JSON.stringify({ canary }) }, 'm'),
  'child binding': (logger, canary) => logger.child({ owner: canary }).info('m'),
  'between other text': (logger, canary) => logger.warn({ a: `x${canary}y${canary}` }, `${canary}${canary}`),
}

for (const [place, write] of Object.entries(places)) {
  test(`property: a registered secret never comes out (${place})`, () => {
    fc.assert(
      fc.property(canaries, fc.constantFrom('text', 'json') as fc.Arbitrary<LogFormat>, (canary, format) => {
        const { logger, text } = capture(format, [canary])
        write(logger, canary)
        assert.ok(text().endsWith('\n'))
        assert.ok(!text().includes('Zq7canaryX'), text())
      }),
    )
  })
}

test('the file is set aside at its size, keeps as many as it may and loses no line between', () => {
  const directory = mkdtempSync(join(tmpdir(), 'log-file-'))
  try {
    const path = join(directory, 'deep', 'app.log')
    const file = createLogFile({ path, maxBytes: 100, maxFiles: 3 })
    for (let line = 0; line < 12; line += 1) file.write(`${String(line).padStart(29, '0')}\n`)
    const names = readdirSync(join(directory, 'deep')).toSorted()
    assert.deepEqual(names, ['app.log', 'app.log.1', 'app.log.2'])
    const kept = ['.2', '.1', ''].flatMap((suffix) =>
      readFileSync(path + suffix, 'utf8')
        .trim()
        .split('\n')
        .map(Number),
    )
    assert.deepEqual(kept, [3, 4, 5, 6, 7, 8, 9, 10, 11])
    assert.equal(file.droppedLines, 0)
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('a log file that cannot be written later costs its lines only', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'log-file-'))
  const file = createLogFile({ path: join(directory, 'app.log'), maxBytes: 10, maxFiles: 1 })
  file.write('first line\n')
  rmSync(directory, { recursive: true })
  file.write('second line\n')
  assert.equal(file.droppedLines, 1)
  await file.close()
})

test('LOG_* variables become options, also the level "warning"', () => {
  const config = readEnvironment(z.object(logVariables()), {
    LOG_LEVEL: 'WARNING',
    LOG_FORMAT: 'json',
    LOG_ENABLE_FILE: '1',
    LOG_FILE_PATH: '/l',
  })
  assert.deepEqual(logOptions(config), {
    level: 'warn',
    format: 'json',
    file: { path: '/l', maxBytes: 104_857_600, maxFiles: 5 },
  })
})
