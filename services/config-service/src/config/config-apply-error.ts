import { ApiProblem } from '../http/api-problem.ts'

/** A configuration file that is valid by itself and does not fit the database. Shown to the operator as it is. */
export class ConfigApplyError extends Error {
  override readonly name = 'ConfigApplyError'
  /** Known to the start-up messages: no stack is printed. */
  readonly code = 'CONFIG_INVALID'
  readonly problems: readonly string[]

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(
      ['The configuration file does not fit the database:', ...problems.map((text) => `  ${text}`)].join('\n'),
      options,
    )
    this.problems = problems
  }
}

/** Turns the refusals of verbs into the names that fields have in the file. */
export async function withFieldNames<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.status >= 500) throw error
    const fields = error.errors.map(({ pointer, detail }) => `${place}${fieldName(pointer)}: ${detail}`)
    throw new ConfigApplyError(fields.length === 0 ? [`${place}: ${error.message}`] : fields, { cause: error })
  }
}

/** `/upstreams/0/url` -> `.upstreams[0].url` */
function fieldName(pointer: string): string {
  const steps = pointer.split('/').slice(1)
  return steps.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`)).join('')
}
