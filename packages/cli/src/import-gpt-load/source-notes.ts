/** What the operator should know about the source; names and places, never a secret. */
export type Notes = { warn(text: string): void; readonly warnings: readonly string[] }

export function createNotes(): Notes {
  const warnings: string[] = []
  return { warnings, warn: (text) => void warnings.push(text) }
}
