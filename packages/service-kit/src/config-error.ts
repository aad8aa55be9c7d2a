// Errors that an operator can mend. They are printed without a stack, followed by exit code 1 (run-process.ts).
// Messages never hold the value of a secret: whoever builds a problem text leaves it out.

export type ConfigProblem = {
  /** The name of the variable or option. */
  readonly variable: string
  /** Continues the sentence that the variable's name begins: "is not a whole number". */
  readonly problem: string
  readonly advice: string
}

/** Every problem of a configuration at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly code = 'CONFIG_INVALID'
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    super(problemReport(problems))
    this.problems = problems
  }
}

function problemReport(problems: readonly ConfigProblem[]): string {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
  const lines = problems.map(({ variable, problem, advice }) => `  ${variable} ${problem}\n    -> ${advice}`)
  return [`The configuration has ${count}:`, ...lines].join('\n')
}
