import type { ImportedAccessKey } from '@gpt-load/config-service/import/import-installation'
import type { SqlRow } from '@gpt-load/database/sql-client/sql-client'
import type { ConvertedGroup } from './convert-group.ts'
import type { Notes } from './source-notes.ts'

/**
 * GPT-Load's access keys are comma-separated texts: those of the system open every group, those of a group that one. The
 * same token in several places becomes one access key that opens all of them.
 */
const maxNameLength = 100
const weakLength = 16

export function convertAccessKeys(
  source: {
    globalTokens: string
    groups: readonly ConvertedGroup[]
    rows: readonly SqlRow[]
    authKey?: string | undefined
  },
  notes: Notes,
): ImportedAccessKey[] {
  const byToken = new Map<string, ImportedAccessKey>()
  for (const [index, token] of tokensOf(source.globalTokens).entries())
    byToken.set(token, { name: `global ${index + 1}`, token, all_groups: true, groupIds: [] })
  const imported = new Map(source.groups.map((group) => [group.id, group.name]))
  for (const row of source.rows) {
    const id = Number(row['id'])
    const group = imported.get(id)
    if (group === undefined) continue
    for (const [index, token] of tokensOf(row['proxy_keys']).entries()) {
      const known = byToken.get(token)
      if (known?.all_groups === true) continue
      const name = known?.name ?? `${group} ${index + 1}`.slice(-maxNameLength)
      byToken.set(token, { name, token, all_groups: false, groupIds: [...(known?.groupIds ?? []), id] })
    }
  }
  const keys = [...byToken.values()]
  for (const key of keys) noteWeakness(key, source.authKey, notes)
  return keys
}

function tokensOf(value: unknown): string[] {
  if (typeof value !== 'string') return []
  const tokens = value.split(',').map((token) => token.trim())
  return [...new Set(tokens.filter((token) => token !== ''))]
}

function noteWeakness({ name, token }: ImportedAccessKey, authKey: string | undefined, notes: Notes): void {
  if (token === authKey)
    notes.warn(`access key "${name}" is also AUTH_KEY: whoever calls the proxy with it is an administrator; change one`)
  else if (token.length < weakLength)
    notes.warn(`access key "${name}" has fewer than ${weakLength} characters and can be guessed: replace it`)
}
