import type { Group } from '@gpt-load/contracts/api/group'
import {
  gptLoadParentSchema,
  gptLoadSubGroupSchema,
  gptLoadSubGroupsInputSchema,
  gptLoadWeightInputSchema,
} from '@gpt-load/contracts/gpt-load-api/group'
import { ApiProblem, notFound, wrongField } from '../http/api-problem.ts'
import { callVerb, route, type GptLoadRoute, type RouteCall } from './gpt-load-route.ts'
import { keyStatsOf, toGptLoadGroups } from './group-answer.ts'
import { allGroups, groupIdOf, oneGroup, pathId } from './group-routes.ts'

/** Members of aggregates. Their validation endpoints may differ, as everywhere with us. */
const maxTries = 5

export const subGroupRoutes: readonly GptLoadRoute[] = [
  route({
    method: 'get',
    path: '/api/groups/:id/sub-groups',
    scope: 'read',
    answer: gptLoadSubGroupSchema.array(),
    async handle(call) {
      const aggregate = await oneAggregate(call)
      const byId = new Map((await allGroups(call)).map((group) => [group.id, group]))
      const members = aggregate.members.flatMap(({ group_id: id, weight }) => {
        const group = byId.get(id)
        return group === undefined ? [] : [{ group, weight }]
      })
      const shown = await toGptLoadGroups(
        call,
        members.map(({ group }) => group),
      )
      return members.map(({ group, weight }, index) => ({
        group: shown[index],
        weight,
        ...keyStatsOf(group.key_counts),
      }))
    },
  }),
  route({
    method: 'post',
    path: '/api/groups/:id/sub-groups',
    scope: 'write',
    body: gptLoadSubGroupsInputSchema,
    answer: null,
    handle: addSubGroups,
  }),
  route({
    method: 'put',
    path: '/api/groups/:id/sub-groups/:subGroupId/weight',
    scope: 'write',
    body: gptLoadWeightInputSchema,
    answer: null,
    async handle(call) {
      const { id, members, revision } = await oneAggregate(call)
      const memberId = pathId(call.params['subGroupId'])
      if (members.every(({ group_id }) => group_id !== memberId)) throw notFound('member')
      // Of what was looked at: a member that is taken out meanwhile does not come back.
      const precondition = call.precondition ?? { revisions: [revision] }
      await callVerb(call, 'putMember', { params: { id, member_id: memberId }, body: call.body, precondition })
    },
  }),
  route({
    method: 'delete',
    path: '/api/groups/:id/sub-groups/:subGroupId',
    scope: 'write',
    answer: null,
    async handle(call) {
      const params = { ...groupIdOf(call), member_id: pathId(call.params['subGroupId']) }
      await callVerb(call, 'deleteMember', { params, precondition: call.precondition })
    },
  }),
  route({
    method: 'get',
    path: '/api/groups/:id/parent-aggregate-groups',
    scope: 'read',
    answer: gptLoadParentSchema.array(),
    async handle(call) {
      const { id } = await oneGroup(call)
      return (await allGroups(call)).flatMap((group) =>
        group.members
          .filter(({ group_id }) => group_id === id)
          .map(({ weight }) => ({ group_id: group.id, name: group.name, display_name: group.display_name, weight })),
      )
    },
  }),
]

/** Added to what is there; when somebody else changes the list meanwhile it is read again. */
async function addSubGroups(call: RouteCall<ReturnType<typeof gptLoadSubGroupsInputSchema.parse>>): Promise<void> {
  const added = call.body.sub_groups
  if (added.length === 0) throw wrongField('/members', 'names no group')
  for (let tries = 1; ; tries += 1) {
    const { id, members, revision } = await oneAggregate(call)
    if (members.some(({ group_id }) => added.some((one) => one.group_id === group_id)))
      throw new ApiProblem('bad_request', 'One of these groups is a member already.')
    const body = [...members.map(({ group_id, weight }) => ({ group_id, weight })), ...added]
    const precondition = call.precondition ?? { revisions: [revision] }
    try {
      await callVerb(call, 'replaceMembers', { params: { id }, body, precondition })
      return
    } catch (error) {
      const isRace = error instanceof ApiProblem && error.code === 'precondition_failed' && call.precondition === null
      if (!isRace || tries >= maxTries) throw error
    }
  }
}

async function oneAggregate(call: RouteCall<unknown>): Promise<Group> {
  const group = await oneGroup(call)
  if (group.kind === 'aggregate') return group
  throw new ApiProblem('bad_request', 'This group is not an aggregate.')
}
