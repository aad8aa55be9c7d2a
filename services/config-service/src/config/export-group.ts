import { openProviderKey, openUpstreamUrl } from '@gpt-load/database/row-secrets'
import { groupFieldsOf, newGroupFields, type GroupFields } from '../groups/group-fields.ts'
import type { GroupRow } from '../groups/load-groups.ts'
import { countKeys } from '../keys/adjust-key-counts.ts'
import { hasCredentials, maskUrl } from '../upstreams/mask-url.ts'
import type { VerbContext } from '../verb.ts'
import type { FileText } from './export-text.ts'
import { isDifferent } from './plan-field-changes.ts'

/** One group of a file, with the fields that a new group would not have by itself. null when a file cannot say it. */
const maxKeyPlaceholders = 1_000
const maxExportedKeys = 100_000

export async function exportGroup(ctx: VerbContext, row: GroupRow, text: FileText): Promise<object | null> {
  const fields = groupFieldsOf(row, ctx.keyring)
  const parts = row.kind === 'aggregate' ? exportMembers(row, text) : exportUpstreams(ctx, row, text)
  if (parts === null) return null
  const keys = row.kind === 'aggregate' ? [] : await exportKeys(ctx, row, text)
  return {
    name: row.name,
    channel: row.channel,
    ...exportFields(fields, text),
    ...parts,
    ...(keys.length > 0 && { keys }),
  }
}

function exportFields(fields: GroupFields, text: FileText): Record<string, unknown> {
  const empty = newGroupFields(fields)
  const exported: Record<string, unknown> = {}
  for (const name of Object.keys(fields) as (keyof GroupFields)[]) {
    if (unnamed.has(name) || !isDifferent(fields[name], empty[name])) continue
    if (name === 'header_rules') exported[name] = exportRules(fields, text)
    else if (name === 'settings') exported[name] = exportOverrides(fields, text)
    else exported[name] = text.literals(fields[name])
  }
  return exported
}

const unnamed = new Set<keyof GroupFields>(['name', 'kind', 'channel', 'managed_by'])

function exportRules({ name, header_rules: rules }: GroupFields, text: FileText): unknown[] {
  return rules.map(({ key, value, action }) => {
    if (value === '') return { key, action }
    const shown = text.secret(value, [name, 'header', key], `header ${key} of group ${name}`, '')
    return { key, value: shown, action }
  })
}

function exportOverrides({ name, settings }: GroupFields, text: FileText): Record<string, unknown> {
  const exported = text.literals(settings)
  const { proxy_url: proxyUrl } = settings
  if (typeof proxyUrl !== 'string' || maskUrl(proxyUrl) === proxyUrl) return exported
  const shown = text.secret(proxyUrl, [name, 'proxy_url'], `proxy_url of group ${name}`, maskUrl(proxyUrl))
  return { ...exported, proxy_url: shown }
}

function exportUpstreams({ keyring }: VerbContext, row: GroupRow, text: FileText): { upstreams: unknown[] } | null {
  const upstreams = row.upstreams.map(({ url: stored, weight }, index) => {
    const url = openUpstreamUrl(keyring, stored)
    const place = `upstream ${index + 1} of group ${row.name}`
    const name = [row.name, 'upstream', String(index + 1)]
    return { url: hasCredentials(url) ? text.secret(url, name, place, maskUrl(url)) : text.literal(url), weight }
  })
  if (upstreams.some(({ weight }) => weight > 0)) return { upstreams }
  text.omitted.push(`group ${row.name}: it has no upstream with a weight above 0`)
  return null
}

function exportMembers(row: GroupRow, text: FileText): { members: unknown[] } | null {
  const members = row.members.map(({ member, weight }) => ({ group: member.name, weight }))
  if (members.length > 0) return { members }
  text.omitted.push(`group ${row.name}: it is an aggregate without members`)
  return null
}

async function exportKeys({ store, keyring }: VerbContext, row: GroupRow, text: FileText): Promise<string[]> {
  const maxKeys = text.areSecretsShown ? maxExportedKeys : maxKeyPlaceholders
  const stored = await countKeys(store.sql, row.id)
  if (stored > maxKeys) {
    text.omitted.push(`keys of group ${row.name}: ${stored}, more than the ${maxKeys} that one export names`)
    return []
  }
  const keys = await store.sql.query<{ hash: Buffer; secret: Buffer; hint: string }>(
    `SELECT hash, secret, hint FROM provider_keys WHERE group_id = ? ORDER BY id LIMIT ${maxKeys}`,
    [row.id],
  )
  return keys.map(({ hash, secret, hint }, index) => {
    const name = [row.name, 'key', String(index + 1)]
    if (!text.areSecretsShown) return text.placeholder(name, `key ${index + 1} of group ${row.name}`, hint)
    return text.literal(openProviderKey(keyring, hash, secret))
  })
}
