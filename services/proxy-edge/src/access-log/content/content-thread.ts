// The thread that sees bodies: it decodes, redacts and seals what workers have captured, one after the other, so that no rule
// and no bomb can stall a stream or the main thread. Started with the first content of the process.

import { parentPort, workerData } from 'node:worker_threads'
import type { LogBatchIdentity } from '@gpt-load/contracts/log-event'
import { compileRedaction, type RedactionResult } from '@gpt-load/redaction/compile-redaction'
import { encodeContent, sealContentBatch } from '@gpt-load/transport/log-batch/content-batch'
import type { CapturedContent } from '../../data-plane/observe/content-capture.ts'
import { renderContent } from './render-content.ts'

export type ContentThreadData = { source: string; edge: string }
export type FromContentThread =
  | { type: 'sealed'; identity: LogBatchIdentity; bytes: Uint8Array<ArrayBuffer> }
  | { type: 'refused'; reason: string }

/** Groups that record with rules of their own; more are compiled again. */
const maxCompiledRules = 100
const maxBatchChars = 262_144
const maxBatchWaitMs = 50

if (parentPort === null) throw new Error('this file is the entry of a worker thread')
const port = parentPort
const { source, edge } = workerData as ContentThreadData
const compiled = new Map<string, RedactionResult>()
let lines: string[] = []
let chars = 0
let sealed = 0
let timer: NodeJS.Timeout | undefined
let last = Promise.resolve()

port.on('message', (content: CapturedContent) => {
  last = last.then(() => handle(content))
})

async function handle(content: CapturedContent): Promise<void> {
  const result = redactionOf(content.rules)
  if (!result.ok) return refuse(result.error)
  try {
    const line = encodeContent(await renderContent(content, result.redact))
    lines.push(line)
    chars += line.length
  } catch {
    // What went wrong may quote what it went wrong on.
    return refuse('a body could not be redacted')
  }
  if (chars >= maxBatchChars) flush()
  else timer ??= setTimeout(flush, maxBatchWaitMs)
}

function refuse(reason: string): void {
  port.postMessage({ type: 'refused', reason } satisfies FromContentThread)
}

function redactionOf(rules: string): RedactionResult {
  const known = compiled.get(rules)
  if (known !== undefined) return known
  const result = compileRedaction(rules)
  const [oldest] = compiled.keys()
  if (compiled.size >= maxCompiledRules && oldest !== undefined) compiled.delete(oldest)
  compiled.set(rules, result)
  return result
}

function flush(): void {
  clearTimeout(timer)
  timer = undefined
  if (lines.length === 0) return
  const identity = { source, edge, firstSequence: sealed + 1, count: lines.length }
  const bytes = sealContentBatch(identity, lines)
  sealed += lines.length
  lines = []
  chars = 0
  port.postMessage({ type: 'sealed', identity, bytes } satisfies FromContentThread, [bytes.buffer])
}
