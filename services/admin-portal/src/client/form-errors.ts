import { ApiError } from '@gpt-load/api-client/api-error'
import type { FieldValues, Path, UseFormSetError } from 'react-hook-form'
import { z } from 'zod'

// zod would try `new Function`, which the CSP forbids and the browser's console would report.
z.config({ jitless: true })

/** Puts what the server found wrong to the fields that its pointers name. @returns whether there was a field for each */
export function showFieldErrors<Values extends FieldValues>(
  error: unknown,
  setError: UseFormSetError<Values>,
  fields: readonly string[],
): boolean {
  if (!(error instanceof ApiError) || error.fieldErrors.length === 0) return false
  let areAllShown = true
  for (const { pointer, detail } of error.fieldErrors) {
    const path = pointer.replace(/^\//, '').replaceAll('/', '.')
    if (fields.includes(path.split('.')[0] ?? '')) setError(path as Path<Values>, { message: detail })
    else areAllShown = false
  }
  return areAllShown
}
