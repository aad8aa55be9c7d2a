import { Worker } from 'node:worker_threads'
import { sealMany, type SealedBlock, type SealingMaterial, type SealingWork } from './seal-many.ts'

export type SealingRequest = { id: number; material: SealingMaterial; work: SealingWork }
export type SealingAnswer = { id: number; block: SealedBlock }

/**
 * Main side of sealing-thread.ts. The thread is there while much is sealed and holds up nobody's end; should it die, what it had
 * in hand is done here.
 */
export type SealingThread = (material: SealingMaterial, work: SealingWork) => Promise<SealedBlock>

/** Fewer take 8 ms at most here, and a thread 30 to start. */
const manyTexts = 1_000
/** An import sends work many times a second. */
const idleEndMs = 5_000

type Running = { worker: Worker; waiting: Map<number, (block: SealedBlock | null) => void> }

export function createSealingThread({ script = new URL('./sealing-thread.ts', import.meta.url) } = {}): SealingThread {
  let running: Running | null = null
  let idle: NodeJS.Timeout | undefined
  let lastId = 0

  function start(): Running {
    const worker = new Worker(script, { name: 'sealing' })
    const started: Running = { worker, waiting: new Map() }
    const end = (): void => {
      if (running === started) running = null
      for (const settle of started.waiting.values()) settle(null)
      started.waiting.clear()
    }
    worker.on('message', ({ id, block }: SealingAnswer) => {
      started.waiting.get(id)?.(block)
      started.waiting.delete(id)
    })
    // 'error' is followed by 'exit'; without a listener it would end the process.
    worker.on('error', () => undefined)
    worker.once('exit', end)
    worker.unref()
    return started
  }

  function endIfIdle(): void {
    const ending = running
    if (ending === null || ending.waiting.size > 0) return
    running = null
    void ending.worker.terminate()
  }

  async function ask(material: SealingMaterial, work: SealingWork): Promise<SealedBlock | null> {
    running ??= start()
    const { worker, waiting } = running
    clearTimeout(idle)
    const id = ++lastId
    const answer = new Promise<SealedBlock | null>((resolve) => void waiting.set(id, resolve))
    const request: SealingRequest = { id, material, work }
    // While somebody waits the process must not end.
    worker.ref()
    worker.postMessage(request)
    const block = await answer
    if (waiting.size === 0) {
      worker.unref()
      clearTimeout(idle)
      idle = setTimeout(endIfIdle, idleEndMs).unref()
    }
    return block
  }

  return async (material, work) =>
    (work.texts.length < manyTexts ? null : await ask(material, work)) ?? sealMany(material, work)
}
