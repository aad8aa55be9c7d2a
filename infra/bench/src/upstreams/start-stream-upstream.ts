import { fileURLToPath } from 'node:url'
import { startProcess } from '@gpt-load/testkit/child-process'

export interface StreamUpstream extends AsyncDisposable {
  readonly port: number
  /** When the next stream's connection ends, on the clock of `process.hrtime`, in ns. */
  nextClose(timeoutMs: number): Promise<bigint>
}

export async function startStreamUpstream(): Promise<StreamUpstream> {
  let waiter: ((closedAt: bigint) => void) | null = null
  const entry = fileURLToPath(import.meta.resolve('./stream-upstream.ts'))
  const process_ = await startProcess({
    name: 'stream-upstream',
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', entry],
    readyPattern: /^port \d+$/,
    onLine(line) {
      const closedAt = /^closed (\d+)$/.exec(line)?.[1]
      if (closedAt !== undefined) waiter?.(BigInt(closedAt))
    },
  })
  const [, port] = await process_.line(/^port (\d+)$/)
  return {
    port: Number(port),
    nextClose(timeoutMs) {
      const { promise, resolve, reject } = Promise.withResolvers<bigint>()
      const timer = setTimeout(() => reject(new Error(`the upstream saw no close within ${timeoutMs} ms`)), timeoutMs)
      waiter = resolve
      return promise.finally(() => {
        clearTimeout(timer)
        waiter = null
      })
    },
    [Symbol.asyncDispose]: async () => void (await process_.stop()),
  }
}
