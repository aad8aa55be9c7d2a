/** What a parser of operator input returns. `problem` says what is wrong, `advice` what to do; neither repeats a secret. */
export type ParseResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string; readonly advice: string }

export function accepted<T>(value: T): ParseResult<T> {
  return { ok: true, value }
}

export function refused(problem: string, advice: string): ParseResult<never> {
  return { ok: false, problem, advice }
}
