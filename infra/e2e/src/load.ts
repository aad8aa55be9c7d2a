import { Agent, fetch } from 'undici'

/**
 * Steady traffic from many callers at once, for drills. Every request is counted by what came of it; a failed one keeps its
 * first words. Bounded: `concurrency` requests are under way at most.
 */
export type LoadResult = {
  sent: number
  ok: number
  failures: { status: number; detail: string; atMs: number }[]
  /** Request ids of the answers. */
  requestIds: string[]
}

export interface Load {
  /** No further request; resolves when those under way are done. */
  stop(): Promise<LoadResult>
  readonly result: LoadResult
}

const body = JSON.stringify({ model: 'gpt-4.1-nano', messages: [{ role: 'user', content: 'hi' }] })

export function startLoad(options: {
  /** Asked for each request, so that the target may move. */
  url: () => string
  token: string
  concurrency?: number
  perSecond?: number
}): Load {
  const { url, token, concurrency = 8, perSecond = 200 } = options
  const agent = new Agent({ connections: concurrency })
  const result: LoadResult = { sent: 0, ok: 0, failures: [], requestIds: [] }
  const startedAt = performance.now()
  let isStopped = false

  async function one(): Promise<void> {
    result.sent += 1
    const target = url()
    try {
      const response = await fetch(`${target}/v1/chat/completions`, {
        method: 'POST',
        dispatcher: agent,
        body,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      })
      const text = await response.text()
      if (response.status === 200) result.ok += 1
      else result.failures.push({ status: response.status, detail: text.slice(0, 300), atMs: Date.now() })
      result.requestIds.push(response.headers.get('x-gptload-request-id') ?? '')
    } catch (error) {
      const cause = (error as Error).cause ?? error
      result.failures.push({ status: 0, detail: `${target}: ${String(cause)}`, atMs: Date.now() })
    }
  }

  async function caller(index: number): Promise<void> {
    const pauseMs = (concurrency * 1000) / perSecond
    for (let n = 0; !isStopped; n += 1) {
      const dueMs = n * pauseMs + (index * pauseMs) / concurrency
      const waitMs = dueMs - (performance.now() - startedAt)
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
      if (!isStopped) await one()
    }
  }

  const callers = Array.from({ length: concurrency }, (_, index) => caller(index))
  return {
    result,
    async stop() {
      isStopped = true
      await Promise.all(callers)
      await agent.close()
      return result
    },
  }
}
