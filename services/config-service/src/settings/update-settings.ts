import type { SettingList } from '@gpt-load/contracts/api/setting'
import type { SettingName, SettingValue } from '@gpt-load/contracts/settings'
import { openSettingValue, sealSettingValue } from '@gpt-load/database/row-secrets'
import { authorise } from '../authorise.ts'
import { unmaskProxyUrl } from '../groups/group-secrets.ts'
import { requireRevision, type Precondition } from '../http/precondition.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { commitChange } from '../truth/commit.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { checkRedactionRules } from './check-redaction-rules.ts'
import { loadSettings, type SettingRow } from './list-settings.ts'

/**
 * All or nothing; what is there already is no change. A setting that goes back to its default loses its row. The ETag of
 * the list is the highest revision of its rows, so all that remain are stamped: a deletion would not show otherwise.
 */
export type SettingsChange = {
  patch: Readonly<Record<string, SettingValue | null | undefined>>
  source: 'database' | 'file' | 'environment'
  managedBy: string | null
  precondition: Precondition
}

export async function updateSettings({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'updateSettings'>, 'body' | 'precondition'>
}): Promise<VerbAnswer<SettingList>> {
  authorise(ctx, 'updateSettings')
  const { revision } = await commitChange({ ctx }, (tx) =>
    applySettings(tx, ctx, {
      patch: input.body,
      source: 'database',
      managedBy: null,
      precondition: input.precondition,
    }),
  )
  const value = await loadSettings(ctx)
  return { value, revision: value.revision, ...(revision === null ? {} : { committed: revision }) }
}

/** Answers whether anything changed. */
export async function applySettings(
  tx: ChangeTransaction,
  ctx: Pick<VerbContext, 'keyring' | 'upstreamPolicy'>,
  change: SettingsChange,
): Promise<boolean> {
  checkRedactionRules(change.patch['content_redaction_rules'], '/content_redaction_rules')
  const rows = await lockSettings(tx)
  requireRevision(change.precondition, Math.max(0, ...[...rows.values()].map((row) => Number(row.revision))))
  const changed: string[] = []
  for (const [name, value] of Object.entries(change.patch)) {
    if (value === undefined) continue
    if (await applySetting(tx, ctx, name as SettingName, value, rows.get(name), change)) changed.push(name)
  }
  if (changed.length === 0) return false
  tx.touch('setting', [0])
  tx.stamp('settings', [...new Set([...rows.keys(), ...changed])])
  tx.audit({ action: 'setting.update', entity: 'setting', entityId: 'settings', detail: describe(changed, change) })
  return true
}

/** By the installation's row, which is always there: a setting at its default has no row that could be locked. */
async function lockSettings(tx: ChangeTransaction): Promise<Map<string, SettingRow>> {
  if (tx.sql.dialect === 'mysql') await tx.sql.query('SELECT id FROM installation WHERE id = 1 FOR UPDATE')
  const rows: SettingRow[] = await tx.database.setting.findMany()
  return new Map(rows.map((row) => [row.name, row]))
}

async function applySetting(
  tx: ChangeTransaction,
  { keyring }: Pick<VerbContext, 'keyring'>,
  name: SettingName,
  value: SettingValue | null,
  row: SettingRow | undefined,
  { source, managedBy }: SettingsChange,
): Promise<boolean> {
  const stored = row === undefined ? null : (openSettingValue(keyring, name, row.value) as SettingValue)
  const isUrl = name === 'proxy_url' && typeof value === 'string' && value !== ''
  const next = isUrl ? unmaskProxyUrl(value, stored ?? undefined, '/proxy_url') : value
  if (next === null) {
    if (row !== undefined) await tx.database.setting.delete({ where: { name } })
    return row !== undefined
  }
  // A person's edit leaves the object with the file that made it: the next plan shows the difference.
  const owner = managedBy ?? row?.managed_by ?? null
  if (next === stored && row?.managed_by === owner) return false
  const columns = { value: sealSettingValue(keyring, name, next), source, managed_by: owner, updated_at: tx.nowMs }
  await tx.database.setting.upsert({ where: { name }, create: { name, revision: 0, ...columns }, update: columns })
  return true
}

function describe(changed: readonly string[], { patch }: SettingsChange): Record<string, unknown> {
  return Object.fromEntries(changed.map((name) => [name, name === 'proxy_url' ? 'changed' : patch[name]]))
}
