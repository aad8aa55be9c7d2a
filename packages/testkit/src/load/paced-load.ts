// Chat completions at an even rate whatever becomes of them, from a thread of its own and by raw sockets: cheap enough for
// thousands a second beside what they are sent to. A request's time begins when it could be sent, so that one that waits for
// a connection because others are slow counts its wait (no coordinated omission).

import { Worker } from 'node:worker_threads'
import { RequestLedger, type LedgerResult } from './request-ledger.ts'

export type PacedLoadOptions = {
  /** Where `/v1/chat/completions` is. */
  url: string
  token: string
  perSecond: number
  /** So many requests are under way at most. */
  connections: number
  /** After so many it ends: that is what it has memory for. */
  maxRequests: number
}

export interface PacedLoad {
  /** No further request; resolves when those under way are done. */
  stop(): Promise<RequestLedger>
}

export function startPacedLoad(options: PacedLoadOptions): PacedLoad {
  const thread = new Worker(new URL('./paced-load-thread.ts', import.meta.url), { workerData: options })
  const result = new Promise<RequestLedger>((resolve, reject) => {
    thread.once('message', (columns: LedgerResult) => resolve(new RequestLedger(columns)))
    thread.once('error', reject)
    thread.once('exit', () => reject(new Error('the load has ended without a result')))
  })
  // Whoever stops it hears of it.
  result.catch(() => {})
  return {
    stop() {
      thread.postMessage('stop')
      return result
    },
  }
}
