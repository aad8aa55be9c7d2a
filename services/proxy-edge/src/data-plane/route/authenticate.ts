import { opensGroup, type AccessKey } from '../plan/access-key-index.ts'
import type { GroupPlan } from '../plan/group-plan.ts'
import type { PolicyStore } from '../plan/policy-store.ts'
import type { Route } from './match-request.ts'

/** `refusal` null: the access key opens the group, both are set. Known parts are there for dialect and log in any case. */
export type Admission = {
  refusal: 'UNAUTHORIZED' | 'NOT_FOUND' | 'FORBIDDEN' | null
  plan: GroupPlan | null
  accessKey: AccessKey | null
}

/**
 * Who calls, and for which group (gpt-load/proxy.md 2 and 12). A wrong key is 401 whatever the group, so that names of groups
 * cannot be guessed without one; an unknown group is 404 only to a key that is valid somewhere.
 *
 * @param accessKey null = the request names none that is in force
 */
export function authenticate(policies: PolicyStore, route: Route, accessKey: AccessKey | null): Admission {
  const named = route.groupName === '' ? undefined : policies.groupByName(route.groupName)
  if (accessKey === null) return { refusal: 'UNAUTHORIZED', plan: named ?? null, accessKey }
  const plan = route.groupName === '' ? policies.defaultGroup(accessKey.defaultGroupId) : named
  if (plan === undefined) return { refusal: 'NOT_FOUND', plan: null, accessKey }
  if (!opensGroup(accessKey, plan.id) || !plan.isEnabled) return { refusal: 'FORBIDDEN', plan, accessKey }
  return { refusal: null, plan, accessKey }
}
