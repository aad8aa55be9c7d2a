import type { Settings } from '@gpt-load/contracts/settings'

/** How a group chooses among its usable keys, where that is more than one after the other. */
export type PickRules = {
  readonly order: Settings['key_rotation']
  /** Keys that the provider says are spent come last. */
  readonly learnsQuotas: boolean
  /** Most per key over all edges; null = no cap. */
  readonly caps: KeyCaps | null
}

/** 0 = no cap of the kind. */
export type KeyCaps = {
  readonly concurrent: number
  readonly requestsPerMinute: number
  readonly tokensPerMinute: number
}

/** Null: plain round robin, which needs no rule and counts nothing. */
export function compilePickRules(settings: Settings): PickRules | null {
  const { key_rotation: order, learn_key_quotas: learnsQuotas } = settings
  const caps = compileCaps(settings)
  const isPlain = order === 'round_robin' && !learnsQuotas && caps === null && settings.key_affinity === 'off'
  return isPlain ? null : { order, learnsQuotas, caps }
}

function compileCaps(settings: Settings): KeyCaps | null {
  const caps = {
    concurrent: settings.max_concurrent_requests_per_key,
    requestsPerMinute: settings.max_requests_per_minute_per_key,
    tokensPerMinute: settings.max_tokens_per_minute_per_key,
  }
  return caps.concurrent + caps.requestsPerMinute + caps.tokensPerMinute === 0 ? null : caps
}
