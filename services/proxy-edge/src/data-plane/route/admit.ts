import { maxHops, type ProxyErrorCode } from '@gpt-load/contracts/proxy-errors'
import type { AccessKey } from '../plan/access-key-index.ts'
import type { GroupPlan } from '../plan/group-plan.ts'
import type { PolicyStore } from '../plan/policy-store.ts'
import { authenticate } from './authenticate.ts'
import type { Route } from './match-request.ts'

/** Whether a request may go on at all, by its head alone. */
export type Verdict = { refusal: ProxyErrorCode | null; plan: GroupPlan | null; accessKey: AccessKey | null }

export type AdmittedHead = { readonly method: string; readonly hops: number; readonly accessKey: AccessKey | null }

export function admit(policies: PolicyStore, route: Route, { method, hops, accessKey }: AdmittedHead): Verdict {
  if (!policies.isReady) return refused('NOT_READY')
  if (hops >= maxHops) return refused('LOOP_DETECTED')
  // TRACE would echo the provider key back to the caller.
  if (method === 'TRACE' || method === 'CONNECT') return refused('BAD_REQUEST')
  return authenticate(policies, route, accessKey)
}

function refused(refusal: ProxyErrorCode): Verdict {
  return { refusal, plan: null, accessKey: null }
}
