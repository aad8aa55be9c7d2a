import type { Endpoint } from '@gpt-load/contracts/api/endpoint'
import { endpoints, operationIds, type OperationId } from '@gpt-load/contracts/api/endpoints'
import type { Problem } from '@gpt-load/contracts/problem'
import type { Verb, VerbContext, VerbInput, Verbs } from '../verb.ts'
import { ApiProblem } from './api-problem.ts'
import type { RequestParts } from './parse-request.ts'

/**
 * A change that is refused because somebody else was faster answers with what is there now, so that the client can show both:
 * the answer of the GET at the same path, or at the nearest one above it.
 */
export type ChangeCall = { ctx: VerbContext; endpoint: Endpoint; input: RequestParts }

export async function withCurrent<T>(verbs: Verbs, call: ChangeCall, change: () => Promise<T>): Promise<T> {
  try {
    return await change()
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.code !== 'precondition_failed') throw error
    const current = await readCurrent(verbs, call)
    throw new ApiProblem(error.code, error.message, { headers: error.headers, cause: error, ...current })
  }
}

/** Nothing for who may not read, and when it was deleted meanwhile. */
async function readCurrent(
  verbs: Verbs,
  { ctx, endpoint, input }: ChangeCall,
): Promise<{ current?: Problem['current'] }> {
  const operationId = readerOf(endpoint.path)
  if (operationId === undefined) return {}
  const { params, query } = endpoints[operationId]
  const read = verbs[operationId] as unknown as Verb<OperationId>
  const given = input.params as Record<string, unknown>
  const readInput = {
    params: Object.fromEntries(Object.keys(params.shape).map((name) => [name, given[name]])),
    query: query.parse({}),
    precondition: null,
  }
  try {
    const { value } = await read({ ctx, input: readInput as unknown as VerbInput<OperationId> })
    return { current: value as Problem['current'] }
  } catch (error) {
    if (error instanceof ApiProblem) return {}
    throw error
  }
}

function readerOf(path: string): OperationId | undefined {
  const own = operationIds.find((id) => endpoints[id].method === 'GET' && endpoints[id].path === path)
  const above = path.slice(0, path.lastIndexOf('/'))
  return own ?? (above.startsWith('/api/v1/') ? readerOf(above) : undefined)
}
