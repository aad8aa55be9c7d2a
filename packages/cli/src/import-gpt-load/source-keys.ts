import type { KeyLine } from '@gpt-load/contracts/parse-keys-text'
import type { SqlRow } from '@gpt-load/database/sql-client/sql-client'
import { StartupError } from '@gpt-load/service-kit/startup-error'
import type { OpenedKey } from './key-cipher.ts'
import type { GptLoadSource } from './open-source.ts'

/**
 * The provider keys of a group, opened one by one. A key that stands in it more than once is one key here: active when one
 * of them was, with the first note that is not empty.
 */
export type KeyOpener = (value: string, hash: string) => OpenedKey | null

export type KeyFindings = { clear: number; encrypted: number; unreadableIds: number[]; unreadable: number }

const maxListedIds = 20
/** Past this the cause is one for all: a key that is missing or wrong. */
const maxUnreadableShare = 0.01

export async function* readGroupKeys(source: GptLoadSource, open: KeyOpener, groupId: number): AsyncGenerator<KeyLine> {
  const merged = mergeRepeated(await source.repeatedKeys(groupId))
  for await (const row of source.keys(groupId)) {
    const hash = textOf(row['key_hash'])
    const repeated = merged.get(hash)
    if (repeated !== undefined && repeated.firstId !== Number(row['id'])) continue
    const opened = open(textOf(row['key_value']), hash)
    if (opened === null) continue
    yield { line: Number(row['id']), key: opened.key, ...(repeated?.fields ?? fieldsOf(row)) }
  }
}

/** Looks at every key before anything is written. Throws when too many cannot be opened. */
export async function inspectKeys(
  source: GptLoadSource,
  open: KeyOpener,
  groupIds: readonly number[],
  { hasEncryptionKey }: { hasEncryptionKey: boolean },
): Promise<KeyFindings> {
  const findings: KeyFindings = { clear: 0, encrypted: 0, unreadable: 0, unreadableIds: [] }
  for (const groupId of groupIds) {
    for await (const row of source.keys(groupId)) {
      const opened = open(textOf(row['key_value']), textOf(row['key_hash']))
      if (opened !== null) findings[opened.mode] += 1
      else {
        findings.unreadable += 1
        if (findings.unreadableIds.length < maxListedIds) findings.unreadableIds.push(Number(row['id']))
      }
    }
  }
  const total = findings.clear + findings.encrypted + findings.unreadable
  if (findings.unreadable > total * maxUnreadableShare) throw tooManyUnreadable(findings, total, hasEncryptionKey)
  return findings
}

function tooManyUnreadable({ unreadable, encrypted }: KeyFindings, total: number, hasEncryptionKey: boolean): Error {
  const problem = `${unreadable} of ${total} keys cannot be opened; nothing was imported`
  if (!hasEncryptionKey)
    return new StartupError(
      problem,
      'they are encrypted: give the ENCRYPTION_KEY of that GPT-Load in GPT_LOAD_ENCRYPTION_KEY, or name another variable with --encryption-key-env',
    )
  return new StartupError(
    problem,
    encrypted > 0
      ? 'some were encrypted with another key: finish "gpt-load migrate-keys" there first'
      : 'the encryption key is not the one that they were encrypted with',
  )
}

type Merged = { firstId: number; fields: Pick<KeyLine, 'note' | 'state'> }

function mergeRepeated(rows: readonly SqlRow[]): Map<string, Merged> {
  const merged = new Map<string, Merged>()
  for (const row of rows) {
    const hash = textOf(row['key_hash'])
    const fields = fieldsOf(row)
    const known = merged.get(hash)
    if (known === undefined) merged.set(hash, { firstId: Number(row['id']), fields })
    else {
      if (fields.state === 'active') known.fields.state = 'active'
      known.fields.note ||= fields.note ?? ''
    }
  }
  return merged
}

function fieldsOf(row: SqlRow): Required<Pick<KeyLine, 'note' | 'state'>> {
  return {
    note: textOf(row['notes']).trim().slice(0, 255),
    state: row['status'] === 'invalid' ? 'invalid' : 'active',
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
