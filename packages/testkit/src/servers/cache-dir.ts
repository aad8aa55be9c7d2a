import { mkdirSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { readTestkitConfig } from '../config.ts'

/** The per-user directory for downloads and templates; made when absent. Deleting it costs only the time to refill it. */
export function cacheDir(): string {
  const { cacheHome } = readTestkitConfig()
  // Without a home the directory is shared space: the user's id keeps two users apart.
  const dir = cacheHome ? join(cacheHome, 'gpt-load') : join(tmpdir(), `gpt-load-cache-${userInfo().uid}`)
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  return dir
}
