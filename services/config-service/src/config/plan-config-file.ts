import type { ConfigPlan } from '@gpt-load/contracts/api/config'
import { authorise } from '../authorise.ts'
import { ApiProblem } from '../http/api-problem.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { ConfigApplyError } from './config-apply-error.ts'
import { planConfig, pointerTo, type FullPlan } from './plan-config.ts'

export async function planConfigFile({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'planConfig'>, 'body'>
}): Promise<VerbAnswer<ConfigPlan>> {
  authorise(ctx, 'planConfig')
  return { value: shownPlan(await asProblem(() => planConfig(ctx, input.body))) }
}

export function shownPlan({ epoch, revision, owner, changes, unpruned }: FullPlan): ConfigPlan {
  return { epoch, revision, owner, changes, unpruned }
}

/** What does not fit, by pointers into the request. */
export async function asProblem<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ConfigApplyError)) throw error
    const errors = error.problems.map((problem) => {
      const [, place = '', detail = problem] = /^([\w.[\]]+): (.*)$/s.exec(problem) ?? []
      return { pointer: pointerTo(place), detail }
    })
    throw new ApiProblem('validation_failed', 'The configuration does not fit what is stored.', {
      errors,
      cause: error,
    })
  }
}
