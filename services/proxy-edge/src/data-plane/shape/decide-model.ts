import type { GroupPlan } from '../plan/group-plan.ts'

/** Where the caller named the model: a JSON object in the body may hold one, or get one by an override. */
export type ModelPlace = 'body' | 'path' | 'none'

/** False: a strict redirect list of the group, or of the aggregate before it, does not offer the model. */
export function isModelOffered(outer: GroupPlan, plan: GroupPlan, asked: string, place: ModelPlace): boolean {
  const first = outer === plan ? asked : settle(outer, asked, place)
  if (first === null) return false
  const { redirects } = plan
  const model = overridden(plan, first, place)
  return redirects === null || !redirects.isStrict || model === '' || redirects.isKnown(model)
}

/** A GET of one model obeys a strict list, before there is a body that could name another one. */
export function isListedModelOffered({ redirects, channel }: GroupPlan, method: string, path: string): boolean {
  if (redirects === null || !redirects.isStrict) return true
  const asked = channel.modelListPath(method, path)?.model ?? ''
  return asked === '' || redirects.isKnown(asked)
}

/**
 * The model that goes out: overrides first, then redirects; the aggregate's own before the member's (gpt-load/proxy.md 6, 7).
 * Null: not offered. Requests without a model pass.
 */
export function decideModel(outer: GroupPlan, plan: GroupPlan, asked: string, place: ModelPlace): string | null {
  const first = outer === plan ? asked : settle(outer, asked, place)
  return first === null ? null : settle(plan, first, place)
}

function settle(plan: GroupPlan, asked: string, place: ModelPlace): string | null {
  const model = overridden(plan, asked, place)
  if (plan.redirects === null || model === '') return model
  return plan.redirects.targetOf(model) ?? (plan.redirects.isStrict ? null : model)
}

function overridden({ overrides }: GroupPlan, asked: string, place: ModelPlace): string {
  const text = overrides === null || place !== 'body' ? undefined : overrides['model']
  if (text === undefined) return asked
  const value: unknown = JSON.parse(text)
  return typeof value === 'string' ? value : asked
}
