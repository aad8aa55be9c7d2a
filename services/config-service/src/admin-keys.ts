import { createHash, timingSafeEqual } from 'node:crypto'
import type { Scope } from '@gpt-load/contracts/api/endpoint'
import { matchesAdminKey } from '@gpt-load/database/admin-key-hash'

/**
 * Who may administer. `AUTH_KEY` of the environment is compared by digest; a generated key is stored as a scrypt hash
 * and compared at most `maxConcurrentHashes` at a time. Sessions and named tokens are further implementations of the
 * same port.
 */
export type Actor = { name: string; scopes: ReadonlySet<Scope> }

export interface AdminKeys {
  /** null = not an admin key. */
  verify(token: string): Promise<Actor | null>
}

/** What runs without a person: configuration files, environment seeding, sweepers. */
export const systemActor: Actor = { name: 'system', scopes: new Set<Scope>(['read', 'write', 'secrets:read']) }
const administrator: Actor = { name: 'admin', scopes: systemActor.scopes }

export const minAdminKeyLength = 16
/** Each takes about 40 ms of a pool thread and 16 MiB. */
const maxConcurrentHashes = 2
const maxWaitingHashes = 32
const maxTokenLength = 512

export function createEnvironmentAdminKeys(authKey: string): AdminKeys {
  const expected = digest(authKey)
  return {
    verify: async (token) => (timingSafeEqual(digest(token), expected) ? administrator : null),
  }
}

/** `loadHashes` reads the stored hashes; a token that was right is remembered by digest for as long as its hash is stored. */
export function createStoredAdminKeys(options: {
  loadHashes(): Promise<readonly string[]>
  onFirstUse?(hash: string): Promise<void>
}): AdminKeys {
  const gate = createGate()
  const known = new Map<string, Buffer>()

  async function matching(token: string, hashes: readonly string[]): Promise<string | undefined> {
    const given = digest(token)
    for (const hash of hashes) {
      const right = known.get(hash)
      if (right !== undefined) {
        if (timingSafeEqual(given, right)) return hash
      } else if (await gate(() => matchesAdminKey(token, hash))) {
        known.clear()
        known.set(hash, given)
        await options.onFirstUse?.(hash)
        return hash
      }
    }
    return undefined
  }

  return {
    async verify(token) {
      if (token.length > maxTokenLength) return null
      const hash = await matching(token, await options.loadHashes())
      return hash === undefined ? null : administrator
    },
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** A bounded queue in front of the hash; past it a guess counts as wrong. */
function createGate(): (run: () => Promise<boolean>) => Promise<boolean> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (run) => {
    if (running >= maxConcurrentHashes) {
      if (waiting.length >= maxWaitingHashes) return false
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
    running += 1
    try {
      return await run()
    } finally {
      running -= 1
      waiting.shift()?.()
    }
  }
}
