import { Worker } from 'node:worker_threads'
import type { Logger } from '@gpt-load/service-kit/logger'
import type { LogRetention } from '@gpt-load/log-ingest/read-retention'
import type { LogProducer, SealedBatch } from '@gpt-load/transport/log-stream'

/** Main-thread side of log-thread.ts: the log producer of standalone's edge. */
export type LogThreadData = { databasePath: string; instance: string }
export type LogStreamName = 'requests' | 'contents'
export type LogThreadRequest =
  | { type: 'send'; id: number; stream: LogStreamName; batches: SealedBatch[] }
  | { type: 'retention'; retention: LogRetention }
  | { type: 'replay'; id: number; letters: number[] | null }
  | { type: 'metrics'; id: number }
  | { type: 'close' }
type LogThreadAnswer =
  | { type: 'ready' | 'closed' }
  | { type: 'sent'; id: number; error?: string }
  | { type: 'replay' | 'metrics'; id: number; text: string }
  | { type: 'log'; level: 'info' | 'warn' | 'error' | 'fatal'; text: string; detail: string }

export interface LogThread {
  readonly producer: LogProducer
  /** Of recorded bodies. */
  readonly contentProducer: LogProducer
  setRetention(retention: LogRetention): void
  /** Answers how many dead letters will be tried again. */
  requestReplay(letters: readonly number[] | null): Promise<number>
  metricsText(): Promise<string>
  close(): Promise<void>
}

type Waiting = { resolve(text: string): void; reject(error: Error): void }

/**
 * Resolves when the thread can store. Should it die later, records could only pile up until they are dropped: `fail` ends
 * the process, and its supervisor starts it anew.
 */
export async function startLogThread(
  data: LogThreadData,
  logger: Logger,
  fail: (error: Error) => void,
): Promise<LogThread> {
  const worker = new Worker(new URL('./log-thread.ts', import.meta.url), { workerData: data })
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let isRunning = true
  let isClosing = false
  let isReady = false
  const ready = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<void>()

  const settle = (id: number, error: string | undefined, text = '') => {
    const entry = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) entry?.resolve(text)
    else entry?.reject(new Error(error))
  }
  worker.on('message', (answer: LogThreadAnswer) => {
    if (answer.type === 'ready') ready.resolve()
    else if (answer.type === 'sent') settle(answer.id, answer.error)
    else if (answer.type === 'metrics' || answer.type === 'replay') settle(answer.id, undefined, answer.text)
    else if (answer.type === 'log') logger[answer.level]({ thread: 'log', detail: answer.detail }, answer.text)
  })
  const end = (error: Error) => {
    if (isRunning && !isClosing && isReady) fail(error)
    isRunning = false
    ready.reject(error)
    closed.resolve()
    for (const id of waiting.keys()) settle(id, error.message)
  }
  worker.on('error', (error) => {
    logger.error({ err: error }, 'the log thread failed')
    end(error as Error)
  })
  worker.on('exit', () => end(new Error('the log thread has ended')))
  const ask = (request: (id: number) => LogThreadRequest): Promise<string> => {
    if (!isRunning) return Promise.reject(new Error('the log thread has ended'))
    const id = ++lastId
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject })
      worker.postMessage(request(id))
    })
  }
  const producerOf = (stream: LogStreamName): LogProducer => ({
    send: async (batches) => void (await ask((id) => ({ type: 'send', id, stream, batches: [...batches] }))),
    isConnected: () => isRunning,
    close: async () => {},
  })
  await ready.promise
  isReady = true
  return {
    producer: producerOf('requests'),
    contentProducer: producerOf('contents'),
    setRetention: (retention) => worker.postMessage({ type: 'retention', retention } satisfies LogThreadRequest),
    requestReplay: async (letters) =>
      Number(await ask((id) => ({ type: 'replay', id, letters: letters === null ? null : [...letters] }))),
    metricsText: () => ask((id) => ({ type: 'metrics', id })),
    async close() {
      isClosing = true
      worker.postMessage({ type: 'close' } satisfies LogThreadRequest)
      await closed.promise
    },
  }
}
