import type { ConfigChange, ConfigPlan } from '@gpt-load/contracts/api/config'

/** A plan for people (text, Markdown for comments on merge requests) and for programs (JSON, as the API answers it). */
export const planFormats = ['text', 'json', 'markdown'] as const
export type PlanFormat = (typeof planFormats)[number]
export type PlanTitle = { title: string; nothing: string }

export function renderPlan(plan: ConfigPlan, format: PlanFormat, title: PlanTitle): string {
  if (format === 'json') return JSON.stringify(plan, null, 2)
  return format === 'text' ? renderText(plan, title) : renderMarkdown(plan, title)
}

const signs = { create: '+', update: '~', delete: '-' } as const
const entities = { group: 'group', access_key: 'access key', setting: 'setting', keys: 'keys of group' } as const

function renderText(plan: ConfigPlan, { title, nothing }: PlanTitle): string {
  if (plan.changes.length === 0) return [nothing, ...unprunedLine(plan)].join('\n')
  const lines = plan.changes.flatMap((change) => [
    `${signs[change.action]} ${entities[change.entity]} "${change.name}"`,
    ...detailsOf(change).map(({ field, text }) => `    ${field}: ${text}`),
  ])
  return [`${title} at revision ${plan.revision}:`, '', ...lines, '', summaryOf(plan), ...unprunedLine(plan)].join('\n')
}

function renderMarkdown(plan: ConfigPlan, { title, nothing }: PlanTitle): string {
  const heading = `### ${escapeMarkdown(title)}`
  if (plan.changes.length === 0) return [heading, '', escapeMarkdown(nothing), ...unprunedLine(plan)].join('\n')
  const rows = plan.changes.flatMap((change) => {
    const what = `${entities[change.entity]} ${code(change.name)}`
    const details = detailsOf(change)
    if (details.length === 0) return [`| ${change.action} | ${what} | | |`]
    return details.map(({ field, text }) => `| ${change.action} | ${what} | ${code(field)} | ${code(text)} |`)
  })
  return [
    heading,
    '',
    '| action | object | field | change |',
    '| ------ | ------ | ----- | ------ |',
    ...rows,
    '',
    `${summaryOf(plan)} Revision ${plan.revision}.`,
    ...unprunedLine(plan).map(escapeMarkdown),
  ].join('\n')
}

function detailsOf({ action, fields, keys }: ConfigChange): { field: string; text: string }[] {
  const details = fields.map(({ field, before, after }) => ({
    field,
    text: action === 'create' ? JSON.stringify(after) : `${JSON.stringify(before)} -> ${JSON.stringify(after)}`,
  }))
  if (keys === null) return details
  const text = `${keys.added} to add, ${keys.removed} to remove, ${keys.stored} stored`
  return [...details, { field: 'keys', text }]
}

function summaryOf({ changes }: ConfigPlan): string {
  const count = (action: ConfigChange['action']) => changes.filter((change) => change.action === action).length
  const keys = (which: 'added' | 'removed') => changes.reduce((sum, change) => sum + (change.keys?.[which] ?? 0), 0)
  return (
    `${count('create')} to create, ${count('update')} to change, ${count('delete')} to delete; ` +
    `${keys('added')} keys to add, ${keys('removed')} to remove.`
  )
}

function unprunedLine({ unpruned }: ConfigPlan): string[] {
  if (unpruned.length === 0) return []
  const listed = unpruned.map(({ entity, name, count }) =>
    entity === 'keys' ? `${count} keys of group "${name}"` : `${entities[entity]} "${name}"`,
  )
  return [`Not in the file, and deleted with --prune only: ${listed.join(', ')}.`]
}

/** Backticks inside would end it, pipes would end the cell. */
function code(text: string): string {
  const fence = '`'.repeat(Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length)) + 1)
  const padding = text.startsWith('`') || text.endsWith('`') ? ' ' : ''
  return `${fence}${padding}${text.replaceAll('|', String.raw`\|`)}${padding}${fence}`
}

function escapeMarkdown(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>|#]/g, String.raw`\$&`)
}
