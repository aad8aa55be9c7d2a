/**
 * What the build tells the server about the pages: where they lie, hashes of their inline scripts, and of styles that a library adds at
 * run time.
 */
export type HeaderTable = { basePath: string; pages: Record<string, string[]>; styles: string[] }

export const headerTableName = 'header-table.json'

/** Nothing from elsewhere, nothing inline that the build has not seen. */
export function contentSecurityPolicy(scripts: readonly string[], styles: readonly string[]): string {
  return [
    "default-src 'none'",
    `script-src ${["'self'", ...scripts].join(' ')}`,
    `style-src ${["'self'", ...styles].join(' ')}`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}
