import { existsSync, readFileSync } from 'node:fs'

/** Real provider traffic lies beside the project, not in it; where it is absent the tests that need it skip. */
const folder = new URL('../../../../shared/captures/', import.meta.url)

export const noCaptures = existsSync(folder) ? false : 'no captures beside the project (../shared/captures)'

export function captureText(name: string): string {
  return readFileSync(new URL(name, folder), 'utf8')
}

/** Payloads of the events of one stream. */
export function captureChunks(name: string): string[] {
  return captureText(`${name}.chunks.txt`)
    .split('\n')
    .filter((line) => line.trim() !== '')
}
