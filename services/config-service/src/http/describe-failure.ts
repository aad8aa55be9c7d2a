import { faultOf } from '@gpt-load/database/database-errors'
import { ApiProblem } from './api-problem.ts'

/**
 * Whatever a verb threw -> the problem that the client gets. What is not expected is an `internal` without details: the
 * request id finds them in the log.
 */
const retryAfterSeconds = 2

export function describeFailure(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error
  if (faultOf(error) === 'unavailable')
    return new ApiProblem('unavailable', 'The database is away. Nothing was changed; try again.', {
      headers: { 'retry-after': String(retryAfterSeconds) },
      cause: error,
    })
  if (isMalformedUrl(error)) return new ApiProblem('bad_request', 'The path is not valid percent-encoding of UTF-8.')
  return new ApiProblem('internal', 'This is a defect of the server. The request id finds it in the log.', {
    cause: error,
  })
}

/** The router decodes path parameters before any of our code runs. */
function isMalformedUrl(error: unknown): boolean {
  return error instanceof URIError || (error instanceof Error && 'status' in error && error.status === 400)
}
