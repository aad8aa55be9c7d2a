import type { Clock } from '@gpt-load/service-kit/clock'
import type { InternalApi } from '@gpt-load/transport/internal-api'

/** The same port, which remembers when config-service last answered anything. */
export interface AnsweredApi extends InternalApi {
  /** Epoch ms; 0 = never yet. */
  readonly answeredAtMs: number
}

export function createAnsweredApi(api: InternalApi, clock: Pick<Clock, 'nowMs'>): AnsweredApi {
  let answeredAtMs = 0
  async function noted<T>(answer: Promise<T>): Promise<T> {
    const value = await answer
    answeredAtMs = clock.nowMs()
    return value
  }
  return {
    manifest: () => noted(api.manifest()),
    base: (place, signal) => noted(api.base(place, signal)),
    delta: (request) => noted(api.delta(request)),
    keyEvents: (post) => noted(api.keyEvents(post)),
    storeResources: (post) => noted(api.storeResources(post)),
    resources: (question) => noted(api.resources(question)),
    report: (report) => noted(api.report(report)),
    explain: (post) => noted(api.explain(post)),
    get answeredAtMs() {
      return answeredAtMs
    },
  }
}
