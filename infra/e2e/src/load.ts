import { Agent, fetch } from 'undici'

/**
 * Steady traffic from many callers at once, for drills. Every request is counted by what came of it; a failed one keeps its
 * first words. Bounded: `concurrency` requests are under way at most.
 */
export type LoadResult = {
  sent: number
  ok: number
  failures: { status: number; detail: string; atMs: number }[]
  /** Whole answers of status 200, with what the caller measured. */
  answers: { requestId: string; atMs: number; tookMs: number }[]
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
  const result: LoadResult = { sent: 0, ok: 0, failures: [], answers: [] }
  const startedAt = performance.now()
  let isStopped = false

  async function one(): Promise<void> {
    result.sent += 1
    const target = url()
    const startedAtMs = performance.now()
    try {
      const response = await fetch(`${target}/v1/chat/completions`, {
        method: 'POST',
        dispatcher: agent,
        body,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      })
      const text = await response.text()
      if (response.status === 200) {
        result.ok += 1
        const requestId = response.headers.get('x-gptload-request-id') ?? ''
        result.answers.push({ requestId, atMs: Date.now(), tookMs: performance.now() - startedAtMs })
      } else result.failures.push({ status: response.status, detail: text.slice(0, 300), atMs: Date.now() })
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
