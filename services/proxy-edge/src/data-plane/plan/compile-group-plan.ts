import { channelOf } from '@gpt-load/channels/find-channel'
import { parseFailoverCodes } from '@gpt-load/contracts/failover-codes'
import { resolveSettings, type Settings } from '@gpt-load/contracts/settings'
import { keyPolicyOf } from '@gpt-load/key-health/key-policy'
import { compileGroupCaps } from '../caller-limits/caller-caps.ts'
import { compilePickRules } from '../key-table/pick-rules.ts'
import type { PolicyUpdate } from '../../worker-protocol.ts'
import { compileErrorRules } from '../error-rules.ts'
import type { ProxyEnvironment } from '../wire/connect/outbound-proxy.ts'
import type { GroupPlan } from './group-plan.ts'
import { compileHeaderRules } from './header-rules.ts'
import { compileKeyAffinity } from './key-affinity.ts'
import { compileModelRedirects } from './model-redirects.ts'
import { compileUpstream, type UpstreamTarget } from './upstream-target.ts'
import { WeightedRotation } from './weighted-rotation.ts'

export type NumberedGroup = PolicyUpdate['groups'][number]

export type PlanContext = {
  systemSettings: Partial<Settings>
  proxyEnvironment: ProxyEnvironment
  allowPrivateAddresses: boolean
}

/** A standard group; an aggregate is compiled from this and its members (compile-aggregate-plan.ts). */
export function compileGroupPlan(group: NumberedGroup, context: PlanContext): GroupPlan {
  const settings = resolveSettings(context.systemSettings, group.settings as Partial<Settings>)
  const overrides = compileOverrides(group)
  const redirects = compileModelRedirects(group.model_redirects, group.model_redirect_strict)
  return {
    id: group.id,
    number: group.groupNumber,
    name: group.name,
    displayName: group.display_name,
    isEnabled: group.enabled,
    channel: channelOf(group.channel),
    testModel: group.test_model,
    validationEndpoint: group.validation_endpoint,
    settings,
    keyPolicy: keyPolicyOf(settings),
    errorRules: compileErrorRules(settings.error_rules),
    circuit: {
      failureThreshold: settings.upstream_failure_threshold,
      errorRatePercent: settings.upstream_error_rate_percent,
      openMs: settings.upstream_open_ms,
      stormKeys: settings.upstream_storm_keys,
    },
    callerCaps: compileGroupCaps(settings),
    pickRules: compilePickRules(settings),
    affinity: compileKeyAffinity(settings),
    ...compileUpstreams(group, settings, context),
    members: [],
    memberRotation: new WeightedRotation([]),
    isAggregate: group.kind === 'aggregate',
    headerRules: compileHeaderRules(group.header_rules),
    overrides,
    redirects,
    failover: compileFailover(settings.failover_status_codes),
    rewritesBody: overrides !== null || redirects !== null,
  }
}

function compileUpstreams(group: NumberedGroup, settings: Settings, context: PlanContext) {
  const upstreams: UpstreamTarget[] = []
  const weights: number[] = []
  for (const [index, record] of group.upstreams.entries()) {
    const target = compileUpstream(record, group.upstreamSlots[index] ?? -1, { ...context, settings })
    if (target === null || record.weight === 0) continue
    upstreams.push(target)
    weights.push(record.weight)
  }
  return { upstreams, upstreamRotation: new WeightedRotation(weights) }
}

function compileOverrides(group: NumberedGroup): Record<string, string> | null {
  const entries = Object.entries(group.param_overrides).map(([name, value]) => [name, JSON.stringify(value)] as const)
  return entries.length === 0 ? null : Object.fromEntries(entries)
}

/** Automatic, and what does not parse: the class of the error decides. */
function compileFailover(text: string): Uint8Array | null {
  const parsed = parseFailoverCodes(text)
  if (!parsed.ok || parsed.codes === 'automatic') return null
  const table = new Uint8Array(1_000)
  for (const [from, to] of parsed.codes) table.fill(1, from, to + 1)
  return table
}
