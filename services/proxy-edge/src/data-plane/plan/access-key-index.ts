import { hash } from 'node:crypto'
import { adminAccessKeyId } from '@gpt-load/contracts/entity-id'
import type { PolicyUpdate } from '../../worker-protocol.ts'
import { type CallerCaps, compileAccessKeyCaps } from '../caller-limits/caller-caps.ts'
import { TokenMemo } from './token-memo.ts'

export type AccessKey = {
  readonly id: number
  readonly name: string
  readonly isEnabled: boolean
  /** Server clock, epoch ms; 0 = never. */
  readonly expiresAtMs: number
  readonly opensAll: boolean
  readonly groupIds: ReadonlySet<number>
  readonly defaultGroupId: number
  /** null = no limits. */
  readonly caps: CallerCaps | null
  /** Where it is counted what was taken of them. */
  readonly limitNumber: number
}

export type NumberedAccessKey = PolicyUpdate['accessKeys'][number]

/** Longer values are no access keys (contracts: at most 512 characters). */
const maxTokenBytes = 512

/**
 * Access keys by SHA-256 over pepper and token. Comparing hashes of secret, salted input leaks nothing by timing, so a Map
 * will do. Changes come between requests, never within one.
 */
export class AccessKeyIndex {
  readonly #byHash = new Map<string, AccessKey>()
  readonly #hashById = new Map<number, string>()
  /** Beside the others: an access key may have the same token, and what AUTH_KEY opens is more. */
  #adminHash = ''
  #admin: AccessKey | null = null
  #pepperBytes = 0
  #input = new Uint8Array(maxTokenBytes)
  /** Of tokens that were found. Any change empties it. */
  readonly #recent = new TokenMemo<AccessKey>(maxTokenBytes)

  setPepper(base64: string): void {
    const pepper = Buffer.from(base64, 'base64')
    this.#pepperBytes = pepper.length
    this.#input = new Uint8Array(pepper.length + maxTokenBytes)
    this.#input.set(pepper)
    this.#recent.clear()
  }

  put(record: NumberedAccessKey): void {
    this.remove(record.id)
    if (record.id === adminAccessKeyId) {
      this.#adminHash = record.hash
      this.#admin = toAccessKey(record)
      return
    }
    this.#hashById.set(record.id, record.hash)
    this.#byHash.set(record.hash, toAccessKey(record))
  }

  remove(id: number): void {
    this.#recent.clear()
    if (id === adminAccessKeyId) this.#admin = null
    const known = this.#hashById.get(id)
    if (known === undefined) return
    this.#hashById.delete(id)
    this.#byHash.delete(known)
  }

  clear(): void {
    this.#recent.clear()
    this.#byHash.clear()
    this.#hashById.clear()
    this.#admin = null
  }

  /** Null: unknown, disabled or expired by the server's clock. */
  find(token: string, serverNowMs: number): AccessKey | null {
    if (token === '' || token.length > maxTokenBytes) return null
    return inForce(this.#recent.find(token) ?? this.#findByHash(token), serverNowMs)
  }

  #findByHash(token: string): AccessKey | undefined {
    for (let index = 0; index < token.length; index += 1) {
      const code = token.charCodeAt(index)
      if (code < 0x21 || code > 0x7e) return undefined
      this.#input[this.#pepperBytes + index] = code
    }
    const digest = hash('sha256', this.#input.subarray(0, this.#pepperBytes + token.length), 'base64')
    const found = this.#admin !== null && digest === this.#adminHash ? this.#admin : this.#byHash.get(digest)
    if (found !== undefined) this.#recent.keep(found)
    return found
  }

  /** As `find`, where the token is not at hand. */
  findById(id: number, serverNowMs: number): AccessKey | null {
    if (id === adminAccessKeyId) return this.#admin
    return inForce(this.#byHash.get(this.#hashById.get(id) ?? ''), serverNowMs)
  }
}

function inForce(found: AccessKey | undefined, serverNowMs: number): AccessKey | null {
  if (found === undefined || !found.isEnabled) return null
  return found.expiresAtMs !== 0 && found.expiresAtMs <= serverNowMs ? null : found
}

function toAccessKey(record: NumberedAccessKey): AccessKey {
  return {
    id: record.id,
    name: record.name,
    isEnabled: record.enabled,
    expiresAtMs: record.expires_at,
    opensAll: record.all_groups,
    groupIds: new Set(record.group_ids),
    defaultGroupId: record.default_group_id,
    caps: record.limitNumber === -1 ? null : compileAccessKeyCaps(record),
    limitNumber: record.limitNumber,
  }
}

export function opensGroup(accessKey: AccessKey, groupId: number): boolean {
  return accessKey.opensAll || accessKey.groupIds.has(groupId)
}
