import type { FieldChange } from '@gpt-load/contracts/api/config'
import type { HeaderRule } from '@gpt-load/contracts/group-shape'
import type { Keyring } from '@gpt-load/database/keyring'
import type { GroupFields } from '../groups/group-fields.ts'
import { maskUrl } from '../upstreams/mask-url.ts'

/**
 * Differences as people review them. A secret is a fingerprint over the installation's pepper: whether two are the same shows,
 * what they are does not.
 */
export type Fingerprint = (secret: string) => string

const fingerprintDigits = 12

export function createFingerprint({ hashToken }: Pick<Keyring, 'hashToken'>): Fingerprint {
  return (secret) => fingerprintOf(hashToken(secret))
}

export function fingerprintOf(hash: Uint8Array): string {
  return `secret #${Buffer.from(hash).toString('hex').slice(0, fingerprintDigits)}`
}

/** URLs with credentials: the rest of it stays readable. */
export function shownUrl(url: string, fingerprint: Fingerprint): string {
  const masked = maskUrl(url)
  return masked === url ? url : `${masked} (${fingerprint(url)})`
}

/** `before` null: a new group, of which only what differs from `after` of an empty one is worth a line. */
export function groupFieldChanges(
  before: GroupFields,
  after: GroupFields,
  { isNew, fingerprint }: { isNew: boolean; fingerprint: Fingerprint },
): FieldChange[] {
  const changes: FieldChange[] = []
  for (const name of Object.keys(after) as (keyof GroupFields)[]) {
    if (name === 'name' || name === 'kind') continue
    if (name === 'settings')
      changes.push(...recordChanges('settings', shownSettings(before, fingerprint), shownSettings(after, fingerprint)))
    else if (name === 'header_rules')
      changes.push(...recordChanges('header_rules', shownRules(before, fingerprint), shownRules(after, fingerprint)))
    else if (isDifferent(before[name], after[name]) || (isNew && name === 'channel'))
      changes.push({ field: name, before: isNew ? null : before[name], after: after[name] })
  }
  return changes
}

function shownSettings({ settings }: GroupFields, fingerprint: Fingerprint): Record<string, FieldChange['before']> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [name, shownSetting(name, value, fingerprint)]),
  )
}

export function shownSetting(name: string, value: unknown, fingerprint: Fingerprint): FieldChange['before'] {
  return name === 'proxy_url' && typeof value === 'string'
    ? shownUrl(value, fingerprint)
    : (value as FieldChange['before'])
}

/** Rules are matched by their header; their order counts too, so a moved one shows as a change of the list. */
function shownRules(
  { header_rules: rules }: GroupFields,
  fingerprint: Fingerprint,
): Record<string, FieldChange['before']> {
  return Object.fromEntries(rules.map((rule, index) => [rule.key, shownRule(rule, index, fingerprint)]))
}

function shownRule({ action, value }: HeaderRule, index: number, fingerprint: Fingerprint): string {
  return `${index + 1}: ${action}${value === '' ? '' : ` ${fingerprint(value)}`}`
}

function recordChanges(
  field: string,
  before: Record<string, FieldChange['before']>,
  after: Record<string, FieldChange['before']>,
): FieldChange[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) => {
    const change = { field: `${field}.${name}`, before: before[name] ?? null, after: after[name] ?? null }
    return isDifferent(change.before, change.after) ? [change] : []
  })
}

export function isDifferent(before: unknown, after: unknown): boolean {
  return JSON.stringify(before) !== JSON.stringify(after)
}
