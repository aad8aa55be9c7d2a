import { logBatchBounds } from '@gpt-load/contracts/log-event'
import type { LogBatchIdentity } from '@gpt-load/contracts/log-event'
import { createLogEventWriter, encodeLogEvent, resetWriter } from '@gpt-load/transport/log-batch/encode-log-event'
import { payloadRoom, RecordMemories, type RecordMemory } from './record-memory.ts'
import type { RequestRecorder } from './request-recorder.ts'

/**
 * The worker's side of the request log: events are encoded into memory that the main thread sees, and handed over
 * batch by batch, at most `logBatchBounds.ms` after the first of them. Compressing and sending are the main thread's. Sequences are
 * consecutive from 1, so what is missing between two batches was lost, and how much.
 */
export interface WorkerRequestRecorder extends RequestRecorder {
  /** Hands over what is there. */
  flush(): void
  /** Sequences given out. */
  readonly served: number
}

export type WorkerRequestRecorderOptions = {
  /** `{instance}.{worker}`. */
  source: string
  edge: string
  /** Takes the encoded events, the first so many bytes of the room; the memory is used again once it is released. */
  post(identity: LogBatchIdentity, memory: RecordMemory, bytes: number): void
  /** One timer at a time; answers how to call it off. */
  schedule?(run: () => void, delayMs: number): () => void
}

export function createWorkerRequestRecorder(options: WorkerRequestRecorderOptions): WorkerRequestRecorder {
  const { source, edge, post } = options
  const schedule = options.schedule ?? scheduleTimer
  const memories = new RecordMemories()
  let memory = memories.take()
  const writer = createLogEventWriter(payloadRoom(memory))
  let served = 0
  let cancel: (() => void) | null = null

  function flush(): void {
    cancel?.()
    cancel = null
    if (writer.count === 0) return
    const identity = { source, edge, firstSequence: served - writer.count + 1, count: writer.count }
    post(identity, memory, writer.length)
    memory = memories.take()
    resetWriter(writer, payloadRoom(memory))
  }
  const flushLater = () => {
    cancel = null
    flush()
  }
  return {
    record(event) {
      event.sequence = served + 1
      encodeLogEvent(writer, event)
      served += 1
      if (writer.count >= logBatchBounds.events || writer.length >= logBatchBounds.bytes) flush()
      else cancel ??= schedule(flushLater, logBatchBounds.ms)
    },
    flush,
    get served() {
      return served
    },
  }
}

function scheduleTimer(run: () => void, delayMs: number): () => void {
  const timer = setTimeout(run, delayMs)
  return () => clearTimeout(timer)
}
