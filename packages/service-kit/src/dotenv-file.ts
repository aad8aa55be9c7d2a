// The `.env` file of the working directory, as GPT-Load reads it: a variable that the environment has wins, also when
// it is empty there. A missing file is no error; one that cannot be read is.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { ConfigError } from './config-error.ts'
import type { EnvironmentSource } from './environment.ts'

export type DotenvOptions = {
  readonly directory: string
  readonly readFile?: (path: string) => string
}

/** The environment, completed by the `.env` file of `directory`. */
export function withDotenvFile(environment: EnvironmentSource, options: DotenvOptions): EnvironmentSource {
  const path = join(options.directory, '.env')
  const text = readIfPresent(path, options.readFile ?? ((file) => readFileSync(file, 'utf8')))
  const present = Object.entries(environment).filter(([, value]) => value !== undefined)
  return Object.freeze({ ...parseEnv(text.replace(/^\uFEFF/, '')), ...Object.fromEntries(present) })
}

function readIfPresent(path: string, readFile: (path: string) => string): string {
  try {
    return readFile(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    if (code === 'ENOENT') return ''
    throw new ConfigError([
      { variable: '.env', problem: `cannot be read: ${path} (${code})`, advice: 'correct its mode or remove it' },
    ])
  }
}
