import type { Endpoint } from '@gpt-load/contracts/api/endpoint'
import type { z } from 'zod'
import { ApiProblem, type FieldProblem } from './api-problem.ts'
import { jsonPointer } from './json-pointer.ts'

/** Path, query and body of a request by the contract. All wrong fields are reported at once, as JSON pointers. */
export type RequestParts = { params: unknown; query: unknown; body: unknown }

/** Fields that one answer lists; a client that sends more mistakes learns the rest next time. */
const maxFieldProblems = 100

export function parseRequest(endpoint: Endpoint, parts: RequestParts): RequestParts {
  const problems: FieldProblem[] = []
  const parsed = {
    params: parsePart(endpoint.params, parts.params, problems),
    query: parsePart(endpoint.query, parts.query, problems),
    body: endpoint.body === null ? undefined : parsePart(endpoint.body, parts.body, problems),
  }
  if (problems.length === 0) return parsed
  if (parts.body === undefined && problems.some(({ pointer }) => pointer === ''))
    throw new ApiProblem('bad_request', 'There is no body: send JSON.')
  throw new ApiProblem('validation_failed', describe(problems), { errors: problems.slice(0, maxFieldProblems) })
}

function parsePart(schema: z.ZodType, value: unknown, problems: FieldProblem[]): unknown {
  const result = schema.safeParse(value, { reportInput: true })
  if (result.success) return result.data
  problems.push(...fieldProblems(result.error))
  return undefined
}

export function fieldProblems(error: z.ZodError): FieldProblem[] {
  return error.issues.flatMap((issue) => problemsOf(issue, []))
}

/** Unknown members are named one by one; of a union the branch that came furthest speaks. */
function problemsOf(issue: z.core.$ZodIssue, prefix: readonly PropertyKey[]): FieldProblem[] {
  const path = [...prefix, ...issue.path]
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ pointer: jsonPointer([...path, key]), detail: 'is not known here' }))
  if (issue.code === 'invalid_union') {
    const branches = issue.errors.map((branch) => branch.flatMap((inner) => problemsOf(inner, path)))
    return (
      branches.toSorted((a, b) => depthOf(b) - depthOf(a) || a.length - b.length)[0] ?? [
        { pointer: jsonPointer(path), detail: issue.message },
      ]
    )
  }
  if (issue.code === 'invalid_key')
    return [{ pointer: jsonPointer(path), detail: `has a name that is not allowed: ${issue.issues[0]?.message ?? ''}` }]
  const isMissing = issue.code === 'invalid_type' && 'input' in issue && issue.input === undefined
  return [{ pointer: jsonPointer(path), detail: isMissing ? 'is required' : issue.message }]
}

function depthOf(problems: readonly FieldProblem[]): number {
  return Math.max(0, ...problems.map(({ pointer }) => pointer.split('/').length))
}

function describe(problems: readonly FieldProblem[]): string {
  return problems.length === 1 ? 'One field is wrong.' : `${problems.length} fields are wrong.`
}
