import { compileGroupPlan, type NumberedGroup, type PlanContext } from './compile-group-plan.ts'
import type { GroupPlan } from './group-plan.ts'
import { WeightedRotation } from './weighted-rotation.ts'

/**
 * An aggregate over the plans of its members. Members that are unknown, of weight 0, of another channel or aggregates
 * themselves are left out; disabled ones stay, since that is judged per request.
 */
export function compileAggregatePlan(
  group: NumberedGroup,
  planOf: (groupId: number) => GroupPlan | undefined,
  context: PlanContext,
): GroupPlan {
  const own = compileGroupPlan(group, context)
  const members: GroupPlan[] = []
  const weights: number[] = []
  for (const { group_id, weight } of group.members) {
    const member = planOf(group_id)
    if (member === undefined || weight === 0 || member.isAggregate || member.channel !== own.channel) continue
    members.push(member)
    weights.push(weight)
  }
  return {
    ...own,
    members,
    memberRotation: new WeightedRotation(weights),
    rewritesBody: own.rewritesBody || members.some(({ rewritesBody }) => rewritesBody),
  }
}
