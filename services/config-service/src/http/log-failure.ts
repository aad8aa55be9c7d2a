import type { IncomingMessage } from 'node:http'
import type { Logger } from '@gpt-load/service-kit/logger'
import type { ApiProblem } from './api-problem.ts'

/** What somebody has to look at. Of the URL the path only: its query may hold a key. */
export function logFailure(
  logger: Logger,
  problem: ApiProblem,
  failure: { error: unknown; request: IncomingMessage & { path: string }; requestId: string },
): void {
  const { error, request, requestId } = failure
  if (problem.code === 'internal')
    logger.error({ err: error, request_id: requestId, method: request.method, path: request.path }, 'request failed')
  else if (problem.code === 'unavailable') logger.warn({ err: error, request_id: requestId }, 'dependency away')
}
