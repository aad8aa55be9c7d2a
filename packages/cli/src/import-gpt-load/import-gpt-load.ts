import {
  importInstallation,
  type ImportReport,
  type InstallationImport,
} from '@gpt-load/config-service/import/import-installation'
import type { SqlRow } from '@gpt-load/database/sql-client/sql-client'
import type { EnvironmentSource } from '@gpt-load/service-kit/environment'
import { readSourceDsn, readSourceEncryptionKey } from '../config.ts'
import type { CommandContext } from '../create-program.ts'
import { convertAccessKeys } from './convert-access-keys.ts'
import { convertGroup } from './convert-group.ts'
import { convertSettings, withFirstByteTimeout } from './convert-settings.ts'
import { describeImport, toJson } from './describe-import.ts'
import { createKeyOpener } from './key-cipher.ts'
import { openGptLoadSource, type GptLoadSource } from './open-source.ts'
import { openImportTarget } from './open-target.ts'
import { createNotes, type Notes } from './source-notes.ts'
import { inspectKeys, readGroupKeys, type KeyFindings, type KeyOpener } from './source-keys.ts'

/**
 * `gptload import-gpt-load`: everything that an operator of GPT-Load 1.x has entered, into this release. The source is only
 * read; what is here already is left as it is, so a second run changes nothing. Logs and statistics stay behind.
 */
export type ImportOptions = { dataDir?: string; dryRun?: boolean; encryptionKeyEnv: string; json?: boolean }
export type ImportOutcome = ImportReport & {
  source: KeyFindings
  warnings: readonly string[]
  isDryRun: boolean
  place: string
}

export async function importGptLoad(
  dsn: string | undefined,
  options: ImportOptions,
  environment: EnvironmentSource,
  { say }: Pick<CommandContext, 'say'>,
): Promise<void> {
  const encryptionKey = readSourceEncryptionKey(environment, options.encryptionKeyEnv)
  const source = await openGptLoadSource(dsn ?? readSourceDsn(environment))
  try {
    const outcome = await importFrom(source, { ...options, encryptionKey, environment })
    say(options.json === true ? JSON.stringify(toJson(outcome), null, 2) : describeImport(outcome))
  } finally {
    await source.close()
  }
}

async function importFrom(
  source: GptLoadSource,
  options: ImportOptions & { encryptionKey: string | undefined; environment: EnvironmentSource },
): Promise<ImportOutcome> {
  const { encryptionKey, environment } = options
  const isDryRun = options.dryRun === true
  const open = createKeyOpener(encryptionKey)
  const notes = createNotes()
  const converted = await convertSource(source, open, notes, environment['AUTH_KEY'])
  const groupIds = converted.groups.map(({ id }) => id)
  const findings = await inspectKeys(source, open, groupIds, { hasEncryptionKey: encryptionKey !== undefined })
  if (findings.unreadable > 0)
    notes.warn(
      `${findings.unreadable} keys cannot be opened and were left out, row ids ${findings.unreadableIds.join(', ')}`,
    )
  const target = await openImportTarget(environment, options.dataDir)
  try {
    const report = await importInstallation(target.ctx, converted, { isDryRun })
    return { ...report, source: findings, warnings: notes.warnings, isDryRun, place: target.place }
  } finally {
    await target.close()
  }
}

async function convertSource(
  source: GptLoadSource,
  open: KeyOpener,
  notes: Notes,
  authKey: string | undefined,
): Promise<InstallationImport> {
  const [groupRows, memberRows, settingRows] = await Promise.all([
    source.rows('groups'),
    source.rows('group_sub_groups'),
    source.rows('system_settings'),
  ])
  const stored = settingRows.map((row): [string, SqlRow[string]] => [
    String(row['setting_key']),
    row['setting_value'] ?? null,
  ])
  const system = withFirstByteTimeout(convertSettings(stored, { place: 'settings', isGroup: false, notes }))
  const groups = groupRows.flatMap((row) => {
    const members = memberRows.filter((member) => Number(member['group_id']) === Number(row['id']))
    return convertGroup(row, { members, system, notes }) ?? []
  })
  const globalTokens = String(new Map(stored).get('proxy_keys') ?? '')
  return {
    settings: system,
    accessKeys: convertAccessKeys({ globalTokens, groups, rows: groupRows, authKey }, notes),
    groups: groups
      .map((group) => ({ ...group, keys: () => readGroupKeys(source, open, group.id) }))
      .toSorted((a, b) => rankOf(a.kind) - rankOf(b.kind)),
  }
}

/** Members exist before the aggregates that name them. */
const rankOf = (kind: string): number => (kind === 'aggregate' ? 1 : 0)
