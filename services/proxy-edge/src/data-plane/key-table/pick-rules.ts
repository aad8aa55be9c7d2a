import type { Settings } from '@gpt-load/contracts/settings'

/** How a group chooses among its usable keys, where that is more than one after the other. */
export type PickRules = {
  readonly order: Settings['key_rotation']
}

/** Null: plain round robin, which needs no rule and counts nothing. */
export function compilePickRules({ key_rotation: order }: Settings): PickRules | null {
  return order === 'round_robin' ? null : { order }
}
