import { endpoints, type OperationId } from '@gpt-load/contracts/api/endpoints'
import { ApiProblem } from './http/api-problem.ts'
import type { VerbContext } from './verb.ts'

/** Throws `forbidden` unless the actor has the scope that the endpoint table asks for. */
export function authorise(ctx: Pick<VerbContext, 'actor'>, operationId: OperationId): void {
  const { scope } = endpoints[operationId]
  if (!ctx.actor.scopes.has(scope)) throw new ApiProblem('forbidden', `This needs the scope "${scope}".`)
}
