import { createHeadroom, readHeadroom } from '@gpt-load/channels/rate-limit-headroom'
import type { KeyTable } from '../key-table/key-table.ts'
import type { Target } from '../select-target.ts'

/** What answers teach about the quota of the key that was used. One per worker: the headroom it reads into is used again. */
export class KeyQuotas {
  readonly #table: KeyTable
  readonly #headroom = createHeadroom()

  constructor(table: KeyTable) {
    this.#table = table
  }

  learn(slot: number, keyId: number, model: string, rawHeaders: readonly string[]): void {
    readHeadroom(this.#headroom, rawHeaders, Date.now())
    this.#table.learn(slot, keyId, model, this.#headroom)
  }

  spend({ slot, keyId, plan }: Target, tokens: number): void {
    if (plan.pickRules !== null) this.#table.spend(slot, keyId, tokens)
  }
}
