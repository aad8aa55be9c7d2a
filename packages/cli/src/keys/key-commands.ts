import { createWriteStream } from 'node:fs'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { CauseClass, KeyFilter } from '@gpt-load/contracts/api/key'
import type { KeySelection, Task } from '@gpt-load/contracts/api/task'
import type { KeyState } from '@gpt-load/contracts/key-state'
import { StartupError } from '@gpt-load/service-kit/startup-error'
import type { ServerSession } from '../server-commands.ts'
import { findGroup } from './find-group.ts'
import { followTask, reportTask } from './follow-task.ts'
import { openKeyUpload, type KeyFormat } from './key-upload.ts'

/** What works on the keys of a group: tasks of the server, followed to their end. */
export type TaskFlags = { group: string; json?: boolean; wait: boolean }
export type ImportFlags = TaskFlags & { dryRun?: boolean; format?: KeyFormat; note?: string; weight?: number }
export type FilterFlags = {
  state?: KeyState[]
  cause?: CauseClass[]
  note?: string
  suffix?: string
  search?: string
}
export type SelectionFlags = TaskFlags & FilterFlags & { all?: boolean; id?: number[] }
export type ExportFlags = FilterFlags & {
  group: string
  withSecrets?: boolean
  out?: string
}

export async function importKeys(file: string, flags: ImportFlags, session: ServerSession): Promise<void> {
  const { id } = await findGroup(session.server, flags.group)
  const upload = await openKeyUpload(file, flags.format)
  if (flags.dryRun === true) return previewImport(id, upload, flags, session)
  const { note, weight } = flags
  const { data: task } = await session.server('POST /api/v1/groups/{id}/keys/import', {
    params: { id },
    query: { note, weight },
    upload,
  })
  await finish(task, flags, session)
}

async function previewImport(
  id: number,
  upload: Awaited<ReturnType<typeof openKeyUpload>>,
  { json }: ImportFlags,
  { server, context }: ServerSession,
): Promise<void> {
  const { data } = await server('POST /api/v1/groups/{id}/keys/import/preview', { params: { id }, upload })
  if (json === true) return context.say(JSON.stringify(data, null, 2))
  for (const { line, reason } of data.malformed_lines) context.warn(`  line ${line}: ${reason}`)
  context.say(`nothing was changed: ${data.new} new, ${data.duplicate} duplicate, ${data.malformed} malformed`)
}

export async function deleteKeys(
  file: string | undefined,
  flags: SelectionFlags & { format?: KeyFormat },
  session: ServerSession,
): Promise<void> {
  if (file === undefined) return changeKeys('delete', flags, session)
  if (isSelecting(flags)) throw new StartupError('a file and a selection are given', 'name the keys by one of both')
  const { id } = await findGroup(session.server, flags.group)
  const { data: task } = await session.server('POST /api/v1/groups/{id}/keys/delete-listed', {
    params: { id },
    upload: await openKeyUpload(file, flags.format),
  })
  await finish(task, flags, session)
}

export async function changeKeys(
  action: 'delete' | 'restore' | 'validate',
  flags: SelectionFlags,
  session: ServerSession,
): Promise<void> {
  const body = selectionOf(flags)
  const { id } = await findGroup(session.server, flags.group)
  const { data: task } = await session.server(`POST /api/v1/groups/{id}/keys/${action}`, { params: { id }, body })
  await finish(task, flags, session)
}

function isSelecting({ all, id, ...flags }: SelectionFlags): boolean {
  return all === true || id !== undefined || isFiltering(flags)
}

function isFiltering(flags: FilterFlags): boolean {
  return Object.keys(filterOf(flags)).length > 0
}

/** What was given of it; the rest of the flags is not the server's. */
export function filterOf({ state, cause, note, suffix, search }: FilterFlags): KeyFilter {
  return {
    ...(state && { state }),
    ...(cause && { cause }),
    ...(note !== undefined && { note }),
    ...(suffix !== undefined && { suffix }),
    ...(search !== undefined && { search }),
  }
}

function selectionOf(flags: SelectionFlags): KeySelection {
  const { id } = flags
  if (!isSelecting(flags))
    throw new StartupError('no keys are named', 'give --all, --state, --cause, --note, --suffix, --search or --id')
  if (id === undefined) return { filter: filterOf(flags) }
  if (flags.all === true || isFiltering(flags))
    throw new StartupError('keys are named by --id and otherwise, too', 'use one of both')
  return { ids: id }
}

async function finish(task: Task, flags: TaskFlags, session: ServerSession): Promise<void> {
  if (flags.wait) return reportTask(session, await followTask(session, task), flags)
  session.context.say(flags.json === true ? JSON.stringify(task, null, 2) : `task ${task.id} is ${task.state}`)
}

/** JSON lines, masked; with secrets one key a line, as `import` reads them. */
export async function exportKeys(flags: ExportFlags, { server, download }: ServerSession): Promise<void> {
  const { id } = await findGroup(server, flags.group)
  const input = { params: { id }, query: filterOf(flags) }
  const source =
    flags.withSecrets === true
      ? await download('POST /api/v1/groups/{id}/keys/export', input)
      : await download('GET /api/v1/groups/{id}/keys/export', input)
  const target =
    flags.out === undefined ? unclosed(process.stdout) : createWriteStream(flags.out, { mode: 0o600, flags: 'w' })
  await pipeline(Readable.fromWeb(source as Parameters<typeof Readable.fromWeb>[0]), target)
}

/** Standard output stays open when the export ends. */
function unclosed(stream: NodeJS.WriteStream): Writable {
  return new Writable({ write: (chunk, _encoding, done) => void stream.write(chunk, done) })
}
