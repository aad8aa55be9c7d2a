import { BodyMemory } from '../../src/data-plane/body/body-memory.ts'
import { ReplayBudget } from '../../src/data-plane/body/replay-budget.ts'
import { RequestBody, type RequestBodyOptions } from '../../src/data-plane/body/request-body.ts'
import { createCounterBuffer, RequestCounters } from '../../src/data-plane/observe/counters.ts'

/** A request body with room for whatever a test does not bound. */
export function createBody(options: Partial<RequestBodyOptions> = {}): RequestBody {
  const counters = new RequestCounters(createCounterBuffer())
  return new RequestBody({
    memory: new BodyMemory(counters),
    budget: new ReplayBudget(1_000_000_000, counters),
    maxHeldBytes: 1_000_000,
    contentLength: -1,
    ...options,
  })
}
