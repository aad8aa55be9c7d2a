import { problemCodes, type Problem, type ProblemCode } from '@gpt-load/contracts/problem'

export type FieldProblem = { pointer: string; detail: string }

export type ApiProblemOptions = {
  errors?: readonly FieldProblem[]
  headers?: Readonly<Record<string, string>>
  current?: Problem['current']
  cause?: unknown
}

/**
 * An expected refusal, thrown by verbs and by the transport, answered as problem+json. `detail` and pointers name fields
 * and rules, never values: a value may be a secret.
 */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  readonly code: ProblemCode
  readonly errors: readonly FieldProblem[]
  readonly headers: Readonly<Record<string, string>>
  /** The object that the request wanted to change, as the API shows it. */
  readonly current: Problem['current']

  constructor(code: ProblemCode, detail: string, options: ApiProblemOptions = {}) {
    super(detail, { cause: options.cause })
    this.code = code
    this.errors = options.errors ?? []
    this.headers = options.headers ?? {}
    this.current = options.current
  }

  get status(): number {
    return problemCodes[this.code].status
  }

  toBody(requestId: string): Problem {
    const { title, status } = problemCodes[this.code]
    return {
      type: `urn:gpt-load:problem:${this.code}`,
      title,
      status,
      code: this.code,
      ...(this.message === '' ? {} : { detail: this.message }),
      ...(requestId === '' ? {} : { request_id: requestId }),
      ...(this.current === undefined ? {} : { current: this.current }),
      ...(this.errors.length === 0 ? {} : { errors: [...this.errors] }),
    }
  }
}

export function notFound(what: string): ApiProblem {
  return new ApiProblem('not_found', `There is no such ${what}.`)
}

/** One wrong field that only the stored state can tell. */
export function wrongField(pointer: string, detail: string): ApiProblem {
  return new ApiProblem('validation_failed', detail, { errors: [{ pointer, detail }] })
}
