import { relative, resolve } from 'node:path'

type TestError = (Error & { cause?: unknown; failureType?: string }) | undefined

/** The events of node:test's `run()` that the report reads. */
export type TestEvent = {
  type: string
  data: {
    name?: string
    file?: string
    nesting?: number
    message?: string
    skip?: string | boolean
    todo?: string | boolean
    details?: { type?: string; duration_ms?: number; error?: TestError }
    tests?: unknown
    /** Of a summary: the whole file. */
    duration_ms?: number
  }
}

/** A line per file, every failure in full, every skip with its reason, at the end the plain line that sums up. */
export function createTestReport({ root, write }: { root: string; write(text: string): void }) {
  const files = new Map<string, { passed: number; failed: number; output: string[] }>()
  const skips: string[] = []
  const failures: { title: string; error: TestError }[] = []
  const reported = new Set<string>()
  const startedAt = performance.now()

  const entryOf = (file: string) => {
    const known = files.get(file) ?? { passed: 0, failed: 0, output: [] }
    files.set(file, known)
    return known
  }

  function addResult(event: TestEvent, isPass: boolean): void {
    const { data } = event
    const file = relative(root, data.file ?? 'unknown file')
    if (data.skip !== undefined && data.skip !== false) {
      skips.push(`skipped: ${file}: ${data.name}: ${data.skip === true ? 'no reason given' : data.skip}`)
      return
    }
    if (data.details?.type === 'suite' && isPass) return
    // A suite or parent that fails only because a subtest failed is not counted twice.
    if (!isPass && data.details?.error?.failureType === 'subtestsFailed') return
    const entry = entryOf(file)
    if (isPass) entry.passed += 1
    else {
      entry.failed += 1
      failures.push({ title: `${file}: ${data.name}`, error: data.details?.error })
    }
  }

  return {
    add(event: TestEvent): void {
      if (event.type === 'test:pass') addResult(event, true)
      else if (event.type === 'test:fail') addResult(event, false)
      else if (event.type === 'test:stderr' || event.type === 'test:stdout') keepOutput(event)
      else if (event.type === 'test:summary' && event.data.file !== undefined)
        writeFileLine(event.data.file, event.data.duration_ms)
    },
    finish(): { passed: number; failed: number } {
      // A file that could not even be loaded has no summary event.
      for (const file of files.keys()) if (!reported.has(file)) writeFileLine(resolve(root, file))
      for (const skip of skips) write(`${skip}\n`)
      for (const { title, error } of failures) write(`\nFAILED ${title}\n${describeError(error)}\n`)
      // Once more, a line each: of a long log often only the end is kept.
      for (const { title, error } of failures) write(`\nfailed: ${title}: ${firstLineOf(error)}`)
      const counts = [...files.values()]
      const passed = counts.reduce((sum, file) => sum + file.passed, 0)
      const failed = counts.reduce((sum, file) => sum + file.failed, 0)
      const skipped = skips.length === 0 ? '' : `, ${skips.length} skipped`
      write(
        `\n${((performance.now() - startedAt) / 1000).toFixed(0)} s\n${passed} passed, ${failed} failed${skipped}\n`,
      )
      return { passed, failed }
    },
  }

  function keepOutput(event: TestEvent): void {
    const { output } = entryOf(relative(root, event.data.file ?? 'unknown file'))
    output.push(event.data.message ?? '')
    // Enough for a stack and a log tail; a suite that prints more loses its oldest lines.
    if (output.length > 400) output.splice(0, 200)
  }

  function writeFileLine(path: string, durationMs?: number): void {
    const file = relative(root, path)
    reported.add(file)
    const { passed, failed, output } = entryOf(file)
    const counts = `${passed} passed${failed === 0 ? '' : `, ${failed} failed`}`
    const took = durationMs === undefined ? '' : `, ${(durationMs / 1_000).toFixed(1)} s`
    write(`${failed === 0 ? 'ok  ' : 'FAIL'} ${file} (${counts}${took})\n`)
    const text = output.join('')
    if (failed > 0) write(text.slice(-8_000))
    else for (const line of text.split('\n')) if (line.startsWith('measured: ')) write(`     ${line}\n`)
  }
}

function firstLineOf(error: TestError): string {
  return thrownBy(error)?.message.split('\n', 1)[0] ?? 'no error given'
}

/** node:test wraps what a test threw. */
function thrownBy(error: TestError): Error | undefined {
  return error?.cause instanceof Error ? error.cause : error
}

function describeError(error: TestError): string {
  const thrown = thrownBy(error)
  if (thrown === undefined) return 'no error given'
  const reason = thrown.cause instanceof Error ? `\n    caused by ${thrown.cause.stack ?? String(thrown.cause)}` : ''
  return `${thrown.stack ?? String(thrown)}${reason}`
}
