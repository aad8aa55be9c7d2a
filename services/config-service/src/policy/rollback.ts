import { authorise } from '../authorise.ts'
import { ApiProblem } from '../http/api-problem.ts'
import { commitChange } from '../truth/commit.ts'
import type { Verb } from '../verb.ts'
import { applyRollback } from './apply-rollback.ts'
import { planRollback, toPlan } from './plan-rollback.ts'

/** Back to an older policy state, as a new revision. States of keys and what callers may not have again stay as they are. */
export const planPolicyRollback: Verb<'planPolicyRollback'> = async ({ ctx, input }) => {
  authorise(ctx, 'planPolicyRollback')
  const { revision } = input.body
  return { value: toPlan(revision, await planRollback(ctx.store.sql, ctx.keyring, revision)) }
}

export const rollBackPolicy: Verb<'rollBackPolicy'> = async ({ ctx, input }) => {
  authorise(ctx, 'rollBackPolicy')
  const { revision: to, expected_revision: expected } = input.body
  const { result, revision } = await commitChange({ ctx }, async (tx) => {
    // Whoever changes settings locks this row first, too; on SQLite there is one writer anyway.
    await tx.sql.execute('UPDATE installation SET created_at = created_at WHERE id = 1')
    const planned = await planRollback(tx.sql, ctx.keyring, to)
    if (expected !== undefined && planned.policyRevision !== expected)
      throw new ApiProblem('plan_outdated', 'A policy has changed since the plan.')
    await applyRollback(tx, planned.changes)
    const changes = planned.changes.map(({ entity, name, action }) => ({ entity, name, action }))
    if (changes.length > 0)
      tx.audit({ action: 'policy.rollback', entity: 'policy', entityId: to, detail: { to, changes } })
    return toPlan(to, planned)
  })
  return { value: result, ...(revision === null ? {} : { committed: revision }) }
}
