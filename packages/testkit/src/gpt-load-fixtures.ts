// Databases that GPT-Load 1.4.9 itself has written. They lie beside the project, not in it, so suites that import them ask
// `gptLoadFixturesAvailable` first and skip with `GPT_LOAD_FIXTURES_MISSING` where they are absent.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

const FIXTURES_DIR = join(import.meta.dirname, '../../../../shared/gpt-load/fixtures')

export const GPT_LOAD_FIXTURES_MISSING =
  "GPT-Load's own databases (../shared/gpt-load/fixtures beside the project) are not on this machine"

/** Of the fixture `encrypted`. */
export const GPT_LOAD_FIXTURE_KEY = 'fixture-Encryption-Key-2026-长'

export function gptLoadFixturesAvailable(): boolean {
  return existsSync(FIXTURES_DIR)
}

/** Unpacks a fixture into a folder; answers its path. */
export function unpackGptLoadFixture(form: 'plain' | 'encrypted', folder: string): string {
  const path = join(folder, `gpt-load-${form}.db`)
  writeFileSync(path, gunzipSync(readFileSync(join(FIXTURES_DIR, `gpt-load-1.4.9-${form}.db.gz`))))
  return path
}
