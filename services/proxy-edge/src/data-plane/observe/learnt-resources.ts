import type { LearntResource } from '@gpt-load/contracts/resource-key'
import { hashText, type TextHash } from '../key-table/hash-text.ts'
import type { KeyTable } from '../key-table/key-table.ts'
import type { GroupPlan } from '../plan/group-plan.ts'
import type { Target } from '../select-target.ts'

/** Which key made which resource of a group: in force for all workers at once, then reported, so that every edge learns it. */
export class LearntResources {
  readonly #table: KeyTable
  readonly #post: (resource: LearntResource) => void

  constructor(table: KeyTable, post: (resource: LearntResource) => void) {
    this.#table = table
    this.#post = post
  }

  /** Slot of the key; -1 = not known, `goneSlot` = known and gone. */
  find(outer: GroupPlan, id: string): number {
    return this.#table.findResource(resourceOf(outer, id))
  }

  learn(outer: GroupPlan, id: string, { slot, keyId }: Target): void {
    const resource = resourceOf(outer, id)
    const expiresAt = Date.now() + outer.settings.resource_key_ttl_hours * 3_600_000
    if (!this.#table.learnResource(resource, slot, keyId, expiresAt)) return
    this.#post({ high: resource.high, low: resource.low, key_id: keyId, expires_at: expiresAt })
  }
}

/** By the group that the caller named: ids of providers are unique within an account only. */
function resourceOf({ id: groupId }: GroupPlan, id: string): TextHash {
  return hashText(`${groupId}:${id}`)
}
