import { patchJsonObject } from '@gpt-load/channels/json-patch'
import type { GroupPlan } from '../plan/group-plan.ts'

/**
 * The body after overrides and redirect, patched in place; null when no rule changes anything, or it is not one JSON object:
 * then the caller's bytes go out as they are.
 *
 * @param model replaces `model` when it differs from what the body asked for; '' = leave it
 */
export function shapeBody(
  body: Uint8Array,
  outer: GroupPlan,
  plan: GroupPlan,
  asked: string,
  model: string,
): Uint8Array | null {
  const replacements: Record<string, string> = {}
  if (outer !== plan && outer.overrides !== null) Object.assign(replacements, outer.overrides)
  if (plan.overrides !== null) Object.assign(replacements, plan.overrides)
  const overridden = replacements['model'] !== undefined
  if (model !== '' && (overridden || model !== asked)) replacements['model'] = JSON.stringify(model)
  if (Object.keys(replacements).length === 0) return null
  const patched = patchJsonObject(body, replacements)
  return patched === body ? null : patched
}

/** `stream` as an override would leave it. */
export function overriddenStream(outer: GroupPlan, plan: GroupPlan, asked: boolean): boolean {
  const text = plan.overrides?.['stream'] ?? outer.overrides?.['stream']
  return text === undefined ? asked : text === 'true'
}
