import type { ProblemCode } from '../problem.ts'

/** What any endpoint may answer; an endpoint lists only what it adds. */
export const commonProblems = [
  'bad_request',
  'validation_failed',
  'unauthorized',
  'forbidden',
  'cross_origin',
  'too_many_requests',
  'internal',
  'unavailable',
] as const satisfies readonly ProblemCode[]

export const problemMediaType = 'application/problem+json'
