import type { ConfigExport } from '@gpt-load/contracts/api/config'
import type { SettingValue } from '@gpt-load/contracts/settings'
import { openSettingValue } from '@gpt-load/database/row-secrets'
import { authorise, requireScope } from '../authorise.ts'
import { notFound } from '../http/api-problem.ts'
import { commitChange } from '../truth/commit.ts'
import { readPosition } from '../truth/read-position.ts'
import { maskUrl } from '../upstreams/mask-url.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { exportAccessKeys } from './export-access-keys.ts'
import { exportGroup } from './export-group.ts'
import { createFileText, type FileText } from './export-text.ts'
import { groupParts } from '../groups/load-groups.ts'

/**
 * What is stored as the text of a configuration file: applied to the same installation it changes nothing. Without secrets by
 * default; with them only after the audit row of that is stored. Access keys are not recoverable, so they are always
 * placeholders. Notes, weights and states of provider keys are no part of a file.
 */
type ExportQuery = VerbInput<'exportConfig'>['query']

export async function exportConfig({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'exportConfig'>, 'query'>
}): Promise<VerbAnswer<ConfigExport>> {
  authorise(ctx, 'exportConfig')
  const { query } = input
  if (query.with_secrets === true) await auditSecrets(ctx, query)
  const position = await readPosition(ctx.store.sql)
  const text = createFileText({ areSecretsShown: query.with_secrets === true })
  const settings = query.group === undefined ? await exportSettings(ctx, query, text) : {}
  const groups = await exportGroups(ctx, query, text)
  const accessKeys = query.group === undefined ? await exportAccessKeys(ctx, query.owner, text) : []
  const config = {
    version: 1,
    ...(Object.keys(settings).length > 0 && { settings }),
    groups,
    access_keys: accessKeys,
  }
  return { value: { ...position, config, placeholders: text.placeholders, omitted: text.omitted } as ConfigExport }
}

async function auditSecrets(ctx: VerbContext, { owner, group }: ExportQuery): Promise<void> {
  requireScope(ctx.actor, 'secrets:read')
  await commitChange({ ctx }, async (tx) =>
    tx.audit({
      action: 'config.export',
      entity: 'config',
      entityId: 'secrets',
      detail: { ...(owner !== undefined && { owner }), ...(group && { groups: group }) },
    }),
  )
}

async function exportSettings(
  { store, keyring }: VerbContext,
  { owner }: ExportQuery,
  text: FileText,
): Promise<Record<string, SettingValue>> {
  const rows = await store.database.setting.findMany({
    where: owner === undefined ? {} : { managed_by: owner },
    orderBy: { name: 'asc' },
  })
  return Object.fromEntries(
    rows.map(({ name, value: stored }) => {
      const value = openSettingValue(keyring, name, stored) as SettingValue
      if (typeof value !== 'string') return [name, value]
      const isSecret = name === 'proxy_url' && maskUrl(value) !== value
      return [name, isSecret ? text.secret(value, [name], `setting ${name}`, maskUrl(value)) : text.literal(value)]
    }),
  )
}

async function exportGroups(ctx: VerbContext, { owner, group }: ExportQuery, text: FileText): Promise<unknown[]> {
  const rows = await ctx.store.database.group.findMany({
    where: { ...(owner !== undefined && { managed_by: owner }), ...(group && { name: { in: group } }) },
    include: groupParts,
    orderBy: [{ sort: 'asc' }, { id: 'asc' }],
  })
  if (group !== undefined && rows.length < new Set(group).size) throw notFound('group')
  const exported: unknown[] = []
  for (const row of rows) {
    const entry = await exportGroup(ctx, row, text)
    if (entry !== null) exported.push(entry)
  }
  return exported
}
