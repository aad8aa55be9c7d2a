import { problemCodes, type Problem, type ProblemCode } from '@gpt-load/contracts/problem'

export type FieldProblem = { pointer: string; detail: string }

/**
 * An expected refusal, thrown by verbs and by the transport, answered as problem+json. `detail` and pointers name fields
 * and rules, never values: a value may be a secret.
 */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  readonly code: ProblemCode
  readonly errors: readonly FieldProblem[]
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: ProblemCode,
    detail: string,
    options: { errors?: readonly FieldProblem[]; headers?: Readonly<Record<string, string>>; cause?: unknown } = {},
  ) {
    super(detail, { cause: options.cause })
    this.code = code
    this.errors = options.errors ?? []
    this.headers = options.headers ?? {}
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
