import { createHash, timingSafeEqual } from 'node:crypto'
import type { Scope } from '@gpt-load/contracts/api/endpoint'
import { matchesAdminKey } from '@gpt-load/database/admin-key-hash'
import type { Keyring } from '@gpt-load/database/keyring'

/**
 * Who may administer. `AUTH_KEY` of the environment is compared by digest; a generated key is stored as a scrypt hash
 * and compared at most `maxConcurrentHashes` at a time. Named tokens (admin-tokens/) implement the same port.
 */
export type Actor = { name: string; scopes: ReadonlySet<Scope> }

export type Credential = Actor & {
  /** What sessions remember of it: at most 64 characters, another one when the secret is another one, no help in guessing it. */
  id: string
}

export interface AdminKeys {
  /** null = not an admin key. */
  verify(token: string): Promise<Credential | null>
  /** The credential of this id as it is now; null = it was changed, deleted, or has expired. */
  find(id: string): Promise<Credential | null>
}

/** Whoever has not authenticated. */
export const anonymous: Actor = { name: 'anonymous', scopes: new Set<Scope>() }

/** What runs without a person: configuration files, environment seeding, sweepers. */
export const systemActor: Actor = { name: 'system', scopes: new Set<Scope>(['read', 'write', 'secrets:read']) }
const administrator = (id: string): Credential => ({ id, name: 'admin', scopes: systemActor.scopes })

export const minAdminKeyLength = 16
/** Each takes about 40 ms of a pool thread and 16 MiB. */
const maxConcurrentHashes = 2
const maxWaitingHashes = 32
const maxTokenLength = 512

/** The id is a hash over the installation's pepper: a database that leaks tells nothing about a key that people chose. */
export function createEnvironmentAdminKeys(authKey: string, { hashToken }: Pick<Keyring, 'hashToken'>): AdminKeys {
  const expected = digest(authKey)
  const credential = administrator(`env.${Buffer.from(hashToken(`AUTH_KEY ${authKey}`)).toString('base64url')}`)
  return {
    verify: async (token) => (timingSafeEqual(digest(token), expected) ? credential : null),
    find: async (id) => (id === credential.id ? credential : null),
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
      return hash === undefined ? null : administrator(idOf(hash))
    },
    async find(id) {
      const hash = (await options.loadHashes()).find((stored) => idOf(stored) === id)
      return hash === undefined ? null : administrator(id)
    },
  }
}

function idOf(hash: string): string {
  return `key.${digest(hash).toString('base64url')}`
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
