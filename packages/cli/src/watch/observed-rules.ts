import type { RuleObservationList } from '@gpt-load/contracts/api/edge'
import { promoteRule } from '@gpt-load/contracts/error-rules'
import { StartupError } from '@gpt-load/service-kit/startup-error'
import { findGroup } from '../keys/find-group.ts'
import type { ServerSession } from '../server-commands.ts'

/** What observed error rules of a group would have done, and one of them put in force. */
export type ObservedRulesFlags = { promote?: string; json?: boolean }

export async function showObservedRules(
  name: string,
  flags: ObservedRulesFlags,
  session: ServerSession,
): Promise<void> {
  const { server, context } = session
  if (flags.promote !== undefined) return promote(name, flags.promote, session)
  const { id } = await findGroup(server, name)
  const { items } = (await server('GET /api/v1/groups/{id}/rule-observations', { params: { id } })).data
  if (flags.json === true) return context.say(JSON.stringify(items, null, 2))
  context.say(items.length === 0 ? 'no observed rule has matched' : items.map(describe).join('\n'))
}

function describe(item: RuleObservationList['items'][number]): string {
  const { rule, matched, would_change: changed, succeeded_after: succeeded } = item
  return `${rule}: matched ${matched} times, would have decided otherwise about a key ${changed} times; ${succeeded} of them worked afterwards`
}

async function promote(name: string, rule: string, { server, context }: ServerSession): Promise<void> {
  const { id, revision, settings } = await findGroup(server, name)
  const rules = promoteRule(String(settings['error_rules'] ?? ''), rule)
  if (rules === null)
    throw new StartupError(
      `${name} has no rule "${rule}" of its own`,
      'name it as gptload rules shows it; one of the system is changed in the settings',
    )
  await server('PATCH /api/v1/groups/{id}', { params: { id }, revision, body: { settings: { error_rules: rules } } })
  context.say(`in force: ${rule.replace(/^observe /, '')}`)
}
