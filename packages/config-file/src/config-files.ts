import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'

/** The files that a configuration consists of. */
export interface ConfigFiles {
  readText(path: string): Promise<string>
  readChunks(path: string): AsyncIterable<Uint8Array>
  /** The permission bits. */
  modeOf(path: string): Promise<number>
}

/** A million literal keys in the file itself are about this much; more belongs into a keys_file. */
export const MAX_CONFIG_BYTES = 128 * 1024 * 1024

export function createNodeConfigFiles(): ConfigFiles {
  return {
    async readText(path) {
      const { size } = await stat(path)
      if (size > MAX_CONFIG_BYTES) throw Object.assign(new Error('too large'), { code: 'EFBIG' })
      return readFile(path, 'utf8')
    },
    readChunks: (path) => createReadStream(path, { highWaterMark: 256 * 1024 }),
    modeOf: async (path) => (await stat(path)).mode & 0o777,
  }
}

/** Why a file could not be read, in words. */
export function describeFileError(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  const known: Record<string, string> = {
    ENOENT: 'there is no such file',
    EACCES: 'this user may not read it',
    EISDIR: 'it is a folder',
    EFBIG: `it is larger than ${MAX_CONFIG_BYTES} bytes`,
  }
  return known[code] ?? code
}
