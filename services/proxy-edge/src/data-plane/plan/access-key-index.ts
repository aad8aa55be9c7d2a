import { hash } from 'node:crypto'
import type { AccessKeyRecord } from '@gpt-load/contracts/snapshot'

export type AccessKey = {
  readonly id: number
  readonly name: string
  readonly isEnabled: boolean
  /** Server clock, epoch ms; 0 = never. */
  readonly expiresAtMs: number
  readonly opensAll: boolean
  readonly groupIds: ReadonlySet<number>
  readonly defaultGroupId: number
}

/** Longer values are no access keys (contracts: at most 512 characters). */
const maxTokenBytes = 512

/**
 * Access keys by SHA-256 over pepper and token. Comparing hashes of secret, salted input leaks nothing by timing, so a Map
 * will do. Changes come between requests, never within one.
 */
export class AccessKeyIndex {
  readonly #byHash = new Map<string, AccessKey>()
  readonly #hashById = new Map<number, string>()
  #pepperBytes = 0
  #input = new Uint8Array(maxTokenBytes)

  setPepper(base64: string): void {
    const pepper = Buffer.from(base64, 'base64')
    this.#pepperBytes = pepper.length
    this.#input = new Uint8Array(pepper.length + maxTokenBytes)
    this.#input.set(pepper)
  }

  put(record: AccessKeyRecord): void {
    this.remove(record.id)
    this.#hashById.set(record.id, record.hash)
    this.#byHash.set(record.hash, {
      id: record.id,
      name: record.name,
      isEnabled: record.enabled,
      expiresAtMs: record.expires_at,
      opensAll: record.all_groups,
      groupIds: new Set(record.group_ids),
      defaultGroupId: record.default_group_id,
    })
  }

  remove(id: number): void {
    const known = this.#hashById.get(id)
    if (known === undefined) return
    this.#hashById.delete(id)
    this.#byHash.delete(known)
  }

  clear(): void {
    this.#byHash.clear()
    this.#hashById.clear()
  }

  /** Null: unknown, disabled or expired by the server's clock. */
  find(token: string, serverNowMs: number): AccessKey | null {
    if (token === '' || token.length > maxTokenBytes) return null
    for (let index = 0; index < token.length; index += 1) {
      const code = token.charCodeAt(index)
      if (code < 0x21 || code > 0x7e) return null
      this.#input[this.#pepperBytes + index] = code
    }
    const digest = hash('sha256', this.#input.subarray(0, this.#pepperBytes + token.length), 'base64')
    return inForce(this.#byHash.get(digest), serverNowMs)
  }

  /** As `find`, where the token is not at hand. */
  findById(id: number, serverNowMs: number): AccessKey | null {
    return inForce(this.#byHash.get(this.#hashById.get(id) ?? ''), serverNowMs)
  }
}

function inForce(found: AccessKey | undefined, serverNowMs: number): AccessKey | null {
  if (found === undefined || !found.isEnabled) return null
  return found.expiresAtMs !== 0 && found.expiresAtMs <= serverNowMs ? null : found
}

export function opensGroup(accessKey: AccessKey, groupId: number): boolean {
  return accessKey.opensAll || accessKey.groupIds.has(groupId)
}
