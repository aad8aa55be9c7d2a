// An OpenAI upstream that does nothing but count: whole answers with differing usage, made beforehand, from a thread of its
// own. For rates at which startFakeProvider would be what is measured.

import { Worker } from 'node:worker_threads'

export type CountingTotal = { answered: number; promptTokens: number; completionTokens: number }

export interface CountingUpstream extends AsyncDisposable {
  readonly url: string
  total(): Promise<CountingTotal>
}

export async function startCountingUpstream(): Promise<CountingUpstream> {
  const thread = new Worker(new URL('./counting-upstream-thread.ts', import.meta.url))
  const next = <T>() =>
    new Promise<T>((resolve, reject) => {
      thread.once('message', resolve)
      thread.once('error', reject)
    })
  const port = await next<number>()
  let last: Promise<unknown> = Promise.resolve()
  return {
    url: `http://127.0.0.1:${port}`,
    total() {
      const asked = last.then(() => {
        const total = next<CountingTotal>()
        thread.postMessage('total')
        return total
      })
      last = asked
      return asked
    },
    [Symbol.asyncDispose]: async () => void (await thread.terminate()),
  }
}
