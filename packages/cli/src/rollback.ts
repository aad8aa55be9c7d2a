import type { RollbackChange, RollbackPlan } from '@gpt-load/contracts/api/rollback'
import { StartupError } from '@gpt-load/service-kit/startup-error'
import { differenceCode } from './config-as-code/plan-command.ts'
import type { ServerSession } from './server-commands.ts'

/** An older state of settings, groups and access keys, published as a new revision. */
export type RollbackFlags = { to?: number; plan?: boolean; list?: boolean; json?: boolean }

const listedRevisions = 50

export async function rollBack(flags: RollbackFlags, session: ServerSession): Promise<void> {
  if (flags.list === true) return listRevisions(flags, session)
  const { to: revision } = flags
  if (revision === undefined)
    throw new StartupError('no revision is named', 'give --to REVISION; gptload rollback --list shows them')
  const { server, context } = session
  const { data: plan } = await server('POST /api/v1/rollback/plan', { body: { revision } })
  context.say(flags.json === true ? JSON.stringify(plan, null, 2) : linesOf(plan).join('\n'))
  if (flags.plan === true) return context.exit(plan.changes.length === 0 ? 0 : differenceCode)
  if (plan.changes.length === 0) return
  const body = { revision, expected_revision: plan.policy_revision }
  const { revision: made, edges } = await server('POST /api/v1/rollback', { body })
  if (made !== null) context.warn(`revision ${made}, on ${edges?.applied ?? 0}/${edges?.reachable ?? 0} edges so far`)
}

async function listRevisions({ json = false }: RollbackFlags, { server, context }: ServerSession): Promise<void> {
  const { data } = await server('GET /api/v1/policy-revisions', { query: { limit: listedRevisions } })
  if (json) return context.say(JSON.stringify(data.items, null, 2))
  for (const { revision, at, changes } of data.items)
    context.say(
      `${revision}  ${at}  ${changes.map((one) => `${one.action} ${one.entity_id} by ${one.actor}`).join('; ') || '-'}`,
    )
}

function linesOf({ revision, changes }: RollbackPlan): string[] {
  if (changes.length === 0) return [`Policies are as they were at revision ${revision}.`]
  return [`Back to revision ${revision}:`, ...changes.flatMap(linesOfChange)]
}

const meanings: Readonly<Record<RollbackChange['action'], string>> = {
  restore: '~ as it was',
  create: '+ comes back, without its keys',
  disable: '- made since: disabled',
  keep: '  revoked since: stays so',
}

function linesOfChange({ entity, name, action, fields }: RollbackChange): string[] {
  return [
    `  ${meanings[action]}: ${entity.replace('_', ' ')} ${name}`,
    ...fields.map(({ field, from, to }) => `      ${field}: ${from} -> ${to}`),
  ]
}
