import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { readTestkitConfig } from '../config.ts'

/** Daemons live here on Debian and are not on every user's PATH. */
const SYSTEM_DIRS = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/usr/bin', '/bin']

export function lookUpBinary(name: string): string | undefined {
  return [...readTestkitConfig().searchPath, ...SYSTEM_DIRS].map((dir) => join(dir, name)).find(isExecutable)
}

/** @throws naming the Debian package that brings the binary. */
export function findBinary(name: string, debianPackage: string): string {
  const path = lookUpBinary(name)
  if (path === undefined) throw new Error(`${name} is not installed: apt-get install ${debianPackage}`)
  return path
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
