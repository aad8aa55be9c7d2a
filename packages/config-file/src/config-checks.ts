// What a schema cannot say about a configuration file: repeated names and keys, the keys files, secrets in a file that
// everybody may read. Works on the value as it was read, valid or not, so that these errors come together with those
// of the schema.

import { resolve } from 'node:path'
import { isScalar } from 'yaml'
import { describeFileError, type ConfigFiles } from './config-files.ts'
import type { DiagnosticCollector } from './diagnostic-collector.ts'
import { createDuplicateFinder, type DuplicateFinder } from './duplicate-finder.ts'
import type { Interpolated } from './interpolation.ts'
import { readKeys, type KeysFileBatch } from './keys-file.ts'
import type { Path, SourceDocument } from './source-document.ts'

export type KeysFile = {
  /** Index in `groups`. */
  readonly groupIndex: number
  /** Absolute. */
  readonly path: string
  readonly keyCount: number
  /** Reads it again, in batches. Lines that became unusable since it was checked are passed over. */
  readonly read: () => AsyncIterable<KeysFileBatch>
}

export type CheckedKeys = { readonly keysFiles: readonly KeysFile[]; readonly literals: readonly string[] }

type CheckKeysInput = {
  readonly value: unknown
  readonly source: SourceDocument
  readonly interpolated: Interpolated
  readonly files: ConfigFiles
  readonly collector: DiagnosticCollector
  readonly directory: string
}

/** Problems of one keys file that are listed; the rest is counted. */
const MAX_LISTED_PROBLEMS = 20
const READABLE_BY_ALL = 0o004
/** Lines of a keys file are told apart from places in `keys` by this; a schema's array is far shorter. */
const FIRST_LINE_PLACE = 2 ** 31

export function checkDuplicateNames(value: unknown, collector: DiagnosticCollector): void {
  for (const [list, field] of [
    ['groups', 'name'],
    ['access_keys', 'name'],
    ['access_keys', 'key'],
  ] as const) {
    const seen = new Map<string, Path>()
    for (const [index, entry] of entriesOf(value, list)) {
      const text = entry[field]
      if (typeof text !== 'string' || text === '') continue
      const path = [list, index, field]
      const first = seen.get(text)
      if (first === undefined) seen.set(text, path)
      else {
        const what = list === 'groups' ? 'group' : 'access key'
        const message = `this ${what}'s ${field} is used twice, first in line ${collector.lineOf(first)}`
        collector.add('error', collector.rangeOf(path), message)
      }
    }
  }
}

export async function checkKeys(input: CheckKeysInput): Promise<CheckedKeys> {
  const keysFiles: KeysFile[] = []
  const literals: { readonly text: string; readonly path: Path }[] = []
  for (const [index, group] of entriesOf(input.value, 'groups')) {
    const finder = createDuplicateFinder()
    literals.push(...checkListedKeys(input, index, group['keys'], finder))
    const keysFile = group['keys_file']
    if (typeof keysFile !== 'string' || keysFile === '') continue
    const checked = await checkKeysFile(input, index, resolve(input.directory, keysFile), finder)
    if (checked) keysFiles.push(checked)
  }
  for (const [index, accessKey] of entriesOf(input.value, 'access_keys')) {
    const path = ['access_keys', index, 'key']
    if (typeof accessKey['key'] === 'string' && isLiteral(input, path)) literals.push({ text: accessKey['key'], path })
  }
  await warnOfReadableSecrets(input, literals[0]?.path)
  return { keysFiles, literals: literals.map(({ text }) => text).filter((text) => text !== '') }
}

function checkListedKeys(input: CheckKeysInput, groupIndex: number, keys: unknown, finder: DuplicateFinder) {
  const literals: { readonly text: string; readonly path: Path }[] = []
  for (const [index, key] of (Array.isArray(keys) ? keys : []).entries()) {
    if (typeof key !== 'string') continue
    const path = ['groups', groupIndex, 'keys', index]
    if (isLiteral(input, path)) literals.push({ text: key, path })
    const first = finder.firstPlaceOf(key.trim(), index + 1)
    if (first === undefined) continue
    const line = input.collector.lineOf(['groups', groupIndex, 'keys', first - 1])
    input.collector.add(
      'warning',
      input.collector.rangeOf(path),
      `this key is in the group twice, first in line ${line}`,
    )
  }
  return literals
}

async function checkKeysFile(
  input: CheckKeysInput,
  groupIndex: number,
  path: string,
  finder: DuplicateFinder,
): Promise<KeysFile | undefined> {
  const { files, collector } = input
  const place = ['groups', groupIndex, 'keys_file']
  const errors = createBoundedList(path, 'error', collector)
  const duplicates = createBoundedList(path, 'warning', collector)
  let keyCount = 0
  try {
    for await (const batch of readKeys(files.readChunks(path), { onProblem: errors.add })) {
      keyCount += batch.length
      for (const { key, line } of batch) {
        const first = finder.firstPlaceOf(key, FIRST_LINE_PLACE + line)
        if (first !== undefined)
          duplicates.add({
            line,
            message: `this key is in the group twice, first in ${placeName(input, groupIndex, first)}`,
          })
      }
    }
    await warnOfReadableKeysFile(input, path, place)
  } catch (error) {
    collector.add(
      'error',
      collector.rangeOf(place),
      `the keys file ${path} cannot be read: ${describeFileError(error)}`,
    )
    return undefined
  }
  errors.finish()
  duplicates.finish()
  return { groupIndex, path, keyCount, read: () => readKeys(files.readChunks(path), { onProblem: () => undefined }) }
}

function placeName({ collector, source }: CheckKeysInput, groupIndex: number, place: number): string {
  if (place > FIRST_LINE_PLACE) return `line ${place - FIRST_LINE_PLACE}`
  return `line ${collector.lineOf(['groups', groupIndex, 'keys', place - 1])} of ${source.path}`
}

function createBoundedList(path: string, severity: 'error' | 'warning', collector: DiagnosticCollector) {
  let count = 0
  return {
    add({ line, message }: { readonly line: number; readonly message: string }): void {
      count += 1
      if (count <= MAX_LISTED_PROBLEMS) collector.addElsewhere(severity, path, line, message)
    },
    finish(): void {
      const more = count - MAX_LISTED_PROBLEMS
      if (more > 0) collector.addElsewhere(severity, path, 1, `${more} more lines of this file have the same problem`)
    },
  }
}

async function warnOfReadableKeysFile({ files, collector }: CheckKeysInput, path: string, place: Path): Promise<void> {
  if (((await files.modeOf(path)) & READABLE_BY_ALL) === 0) return
  collector.add('warning', collector.rangeOf(place), `every user of this machine can read ${path}; chmod 600 it`)
}

async function warnOfReadableSecrets(
  { files, source, collector }: CheckKeysInput,
  first: Path | undefined,
): Promise<void> {
  if (first === undefined || ((await files.modeOf(source.path)) & READABLE_BY_ALL) === 0) return
  const message = 'this file holds keys and every user of this machine can read it; use ${env:NAME} or chmod 600 it'
  collector.add('warning', collector.rangeOf(first), message)
}

function isLiteral({ source, interpolated }: CheckKeysInput, path: Path): boolean {
  const node = source.nodeAt(path)
  return isScalar(node) && !interpolated.variables.has(node)
}

function entriesOf(value: unknown, list: string): [number, Readonly<Record<string, unknown>>][] {
  const entries: unknown =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[list] : undefined
  if (!Array.isArray(entries)) return []
  return [...entries.entries()].filter(([, entry]) => typeof entry === 'object' && entry !== null)
}
