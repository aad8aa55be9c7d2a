'use client'

import { readApiError } from '@gpt-load/api-client/api-error'
import { formatQuery } from '@gpt-load/api-client/format-target'
import { maxExportIds, type KeyExportLine } from '@gpt-load/contracts/api/task'
import { basePath } from '../../client/base-path.ts'
import type { ChosenKeys } from './bulk-actions.ts'

export type ExportForm = { isClear: boolean; isPlain: boolean }

/** Reads the download and hands it to the browser as a file. Keys in clear come by POST: no link leads to them. */
export async function exportKeys(
  groupId: number,
  groupName: string,
  chosen: ChosenKeys,
  form: ExportForm,
): Promise<void> {
  const parts: Blob[] = []
  for (const query of queriesOf(chosen))
    parts.push(await readExport(`${basePath}/api/v1/groups/${groupId}/keys/export${query}`, form))
  save(new Blob(parts), `${groupName}-keys.${form.isPlain ? 'txt' : 'jsonl'}`)
}

function queriesOf(chosen: ChosenKeys): string[] {
  if ('filter' in chosen) return [formatQuery({ ...chosen.filter })]
  const queries: string[] = []
  for (let start = 0; start < chosen.ids.length; start += maxExportIds)
    queries.push(formatQuery({ ids: chosen.ids.slice(start, start + maxExportIds) }))
  return queries
}

async function readExport(url: string, { isClear, isPlain }: ExportForm): Promise<Blob> {
  const response = await fetch(url, { method: isClear ? 'POST' : 'GET', credentials: 'same-origin' })
  if (!response.ok) throw await readApiError(response)
  return isPlain ? new Blob([plainOf(await response.text())]) : response.blob()
}

function plainOf(lines: string): string {
  const keys = lines.split('\n').filter((line) => line !== '')
  return keys.map((line) => `${(JSON.parse(line) as KeyExportLine).key ?? ''}\n`).join('')
}

function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}
