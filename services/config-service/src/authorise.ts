import type { EndpointScope } from '@gpt-load/contracts/api/endpoint'
import { endpoints, type OperationId } from '@gpt-load/contracts/api/endpoints'
import type { Actor } from './admin-keys.ts'
import { ApiProblem } from './http/api-problem.ts'
import type { VerbContext } from './verb.ts'

/** Throws `forbidden` unless the actor has the scope that the endpoint table asks for. */
export function authorise(ctx: Pick<VerbContext, 'actor'>, operationId: OperationId): void {
  requireScope(ctx.actor, endpoints[operationId].scope)
}

export function requireScope(actor: Actor, scope: EndpointScope): void {
  if (scope === 'none' || scope === 'any' || actor.scopes.has(scope)) return
  throw new ApiProblem('forbidden', `This needs the scope "${scope}".`)
}
