import { questionLifetimeMs, type EdgeQuestion } from '@gpt-load/contracts/explanation'
import type { Logger } from '@gpt-load/service-kit/logger'
import type { InternalApi } from '@gpt-load/transport/internal-api'
import type { PolicyDistributor } from '../control-plane/policy-distributor.ts'
import { PolicyStore, type PolicyStoreOptions } from '../data-plane/plan/policy-store.ts'
import { explainRequest, type ExplainContext } from './explain-request.ts'

/** Answers questions about requests that came with the answer to a report. Each is answered once. */
export type Explainer = (questions: readonly EdgeQuestion[]) => void

export function createExplainer(
  options: Pick<ExplainContext, 'edge' | 'table' | 'health'> & {
    api: Pick<InternalApi, 'explain'>
    position(): ExplainContext['position']
    policies: Pick<PolicyDistributor, 'excerpt'>
    policyOptions: PolicyStoreOptions
    clockSkewMs(): number
    logger: Logger
  },
): Explainer {
  const { api, logger } = options
  const taken = new Set<string>()

  async function answer({ id, request }: EdgeQuestion): Promise<void> {
    const policies = new PolicyStore(options.policyOptions)
    const { group, access_key_id: accessKeyId } = request
    policies.apply(options.policies.excerpt({ group, accessKeyId }, options.clockSkewMs()))
    const explanation = explainRequest({ ...options, position: options.position(), policies }, request)
    await api.explain({ id, explanation })
  }

  return (questions) => {
    for (const question of questions) {
      if (taken.has(question.id)) continue
      taken.add(question.id)
      setTimeout(() => taken.delete(question.id), questionLifetimeMs).unref()
      void answer(question).catch((error: unknown) => logger.warn({ err: error }, 'a dry run failed'))
    }
  }
}
