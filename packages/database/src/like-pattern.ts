/** Text that a column shall contain -> LIKE pattern, for `LIKE ? ESCAPE '!'` in both dialects. */
export function likePattern(text: string): string {
  return `%${text.replaceAll(/[!%_]/g, '!$&')}%`
}
