import { maskedValue } from '@gpt-load/contracts/api/group'
import type { HeaderRule } from '@gpt-load/contracts/group-shape'
import type { SettingValue } from '@gpt-load/contracts/settings'
import { wrongField } from '../http/api-problem.ts'
import { forbiddenHostProblem } from '../upstreams/check-upstream-url.ts'
import { isMasked, maskUrl } from '../upstreams/mask-url.ts'

/**
 * Secrets inside a group, in clear in memory: values of header rules and the outbound proxy's URL. Answers mask them; a
 * mask that comes back means "keep what is stored", so that an object that was read can be written back.
 */
export type SettingOverrides = Record<string, SettingValue>

export function maskHeaderRules(rules: readonly HeaderRule[]): HeaderRule[] {
  return rules.map((rule) => ({ ...rule, value: rule.value === '' ? '' : maskedValue }))
}

export function unmaskHeaderRules(rules: readonly HeaderRule[], stored: readonly HeaderRule[]): HeaderRule[] {
  const values = new Map(stored.map((rule) => [rule.key.toLowerCase(), rule.value]))
  return rules.map((rule, index) => {
    if (rule.value !== maskedValue) return rule
    const value = values.get(rule.key.toLowerCase())
    if (value === undefined) throw wrongField(`/header_rules/${index}/value`, 'is a mask, but no value is stored')
    return { ...rule, value }
  })
}

export function maskOverrides(settings: SettingOverrides): SettingOverrides {
  const { proxy_url: proxyUrl } = settings
  return typeof proxyUrl === 'string' ? { ...settings, proxy_url: maskUrl(proxyUrl) } : settings
}

/** The clear URL that `url` stands for. Throws a problem at `pointer`. */
export function unmaskProxyUrl(url: string, stored: SettingValue | undefined, pointer: string): string {
  if (isMasked(url)) {
    if (typeof stored === 'string' && maskUrl(stored) === url) return stored
    throw wrongField(pointer, 'holds a mask, but not that of the stored value: write the whole URL')
  }
  // An outbound proxy may be on a private address, whatever upstreams may.
  const problem = forbiddenHostProblem(url, true)
  if (problem !== null) throw wrongField(pointer, problem)
  return url
}
