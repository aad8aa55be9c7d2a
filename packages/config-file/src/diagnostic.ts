// What is wrong with a configuration file, with place and code frame. Neither message nor frame holds a key.

export type Diagnostic = {
  readonly severity: 'error' | 'warning'
  readonly message: string
  readonly file: string
  readonly line: number
  readonly column: number
  /** The lines around the place; '' where there are none to show. */
  readonly frame: string
}

/** Every error of a configuration file at once, ordered by place; `message` is the whole report. */
export class ConfigFileError extends Error {
  override readonly name = 'ConfigFileError'
  /** Known to service-kit's run-process: printed without a stack. */
  readonly code = 'CONFIG_FILE_INVALID'
  readonly diagnostics: readonly Diagnostic[]

  constructor(diagnostics: readonly Diagnostic[]) {
    super(report(diagnostics))
    this.diagnostics = diagnostics
  }
}

/** A thousand errors have one cause; the first ones show it. */
const MAX_RENDERED = 50

export function renderDiagnostic({ severity, message, file, line, column, frame }: Diagnostic): string {
  const head = `${file}:${line}:${column}: ${severity}: ${message}`
  return frame === '' ? head : `${head}\n${frame}`
}

function report(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  const rendered = errors.slice(0, MAX_RENDERED).map(renderDiagnostic)
  if (errors.length > MAX_RENDERED) rendered.push(`… and ${errors.length - MAX_RENDERED} more errors`)
  const count = errors.length === 1 ? 'an error' : `${errors.length} errors`
  return [`The configuration file has ${count}:`, ...rendered].join('\n\n')
}
