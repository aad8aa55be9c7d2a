// Reads gpt-load.yaml (or JSON) into a validated configuration. Everything that is wrong is reported at once, with
// file:line:column and a code frame; no report shows a key. Deliberately left out: what is in the database (a member
// of an aggregate may be a group that exists already) and applying it.

import { configFileSchema, type ConfigFile } from '@gpt-load/contracts/config-file'
import { dirname, resolve } from 'node:path'
import { isScalar } from 'yaml'
import { checkDuplicateNames, checkKeys, type KeysFile } from './config-checks.ts'
import { createNodeConfigFiles, describeFileError, type ConfigFiles } from './config-files.ts'
import { createDiagnosticCollector, type DiagnosticCollector } from './diagnostic-collector.ts'
import { ConfigFileError, type Diagnostic } from './diagnostic.ts'
import { interpolate, type Interpolated } from './interpolation.ts'
import { schemaIssues } from './schema-issues.ts'
import { parseSourceDocument, type Path, type SourceDocument } from './source-document.ts'

export type FieldOrigin = {
  readonly file: string
  readonly line: number
  readonly column: number
  /** The variables that the value was made of; then it is a secret. */
  readonly variables: readonly string[]
}

export type LoadedConfigFile = {
  /** `keys_file` is an absolute path in it. */
  readonly config: ConfigFile
  /** Where a value comes from: `['groups', 0, 'settings', 'max_retries']`; undefined for a default. */
  readonly originOf: (path: Path) => FieldOrigin | undefined
  readonly warnings: readonly Diagnostic[]
  /** The keys files of the groups that have one, checked but not kept. */
  readonly keysFiles: readonly KeysFile[]
  /** Literal keys and the values of variables, for the scrubber of the log. */
  readonly secrets: readonly string[]
}

export type LoadConfigFileOptions = {
  /** For `${env:NAME}`. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly files?: ConfigFiles
}

/** Throws ConfigFileError. */
export async function loadConfigFile(path: string, options: LoadConfigFileOptions): Promise<LoadedConfigFile> {
  const files = options.files ?? createNodeConfigFiles()
  const source = parseSourceDocument(path, await readSource(path, files))
  const collector = createDiagnosticCollector(source)
  if (source.syntaxProblems.length > 0) throw syntaxError(source, collector)

  const interpolated = interpolate(source.root, options.env)
  collector.hide(interpolated.secrets)
  const value = readValue(source, collector)
  const config = validate(value, source, interpolated, collector)
  checkDuplicateNames(value, collector)
  const keys = await checkKeys({ value, source, interpolated, files, collector, directory: dirname(resolve(path)) })

  const diagnostics = collector.finish()
  if (config === undefined || diagnostics.some(({ severity }) => severity === 'error'))
    throw new ConfigFileError(diagnostics)
  return {
    config: withResolvedKeysFiles(config, dirname(resolve(path))),
    originOf: (at) => originOf(source, interpolated, at),
    warnings: diagnostics,
    keysFiles: keys.keysFiles,
    secrets: [...new Set([...interpolated.secrets, ...keys.literals])],
  }
}

async function readSource(path: string, files: ConfigFiles): Promise<string> {
  try {
    return (await files.readText(path)).replace(/^\uFEFF/, '')
  } catch (error) {
    const message = `cannot be read: ${describeFileError(error)}`
    throw new ConfigFileError([{ severity: 'error', message, file: path, line: 1, column: 1, frame: '' }])
  }
}

function syntaxError(source: SourceDocument, collector: DiagnosticCollector): ConfigFileError {
  collector.hideUnknownWords()
  for (const { message, range } of source.syntaxProblems) collector.add('error', range, message)
  return new ConfigFileError(collector.finish())
}

function readValue(source: SourceDocument, collector: DiagnosticCollector): unknown {
  try {
    const value: unknown = source.root.toJS({ maxAliasCount: 100 })
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    const { $schema: _, ...rest } = value as Record<string, unknown>
    return rest
  } catch {
    collector.add('error', [0, 0], 'the aliases of this file expand to too much')
    return undefined
  }
}

function validate(
  value: unknown,
  source: SourceDocument,
  interpolated: Interpolated,
  collector: DiagnosticCollector,
): ConfigFile | undefined {
  const failed = new Set(interpolated.problems.map(({ node }) => node))
  for (const { node, message } of interpolated.problems) {
    collector.add('error', node.range ? [node.range[0], node.range[1]] : [0, 0], message)
  }
  const result = configFileSchema.safeParse(value)
  if (result.success) return result.data
  for (const issue of schemaIssues(configFileSchema, value, result.error.issues)) {
    const node = source.nodeAt(issue.path)
    // First of all: what could not be interpolated may be a key in the wrong place, too.
    if (issue.isMisplaced) collector.hideValue(issue.path)
    // A value that could not be interpolated has its error already.
    if (isScalar(node) && failed.has(node)) continue
    const range = issue.target === 'name' ? source.nameRangeOf(issue.path) : source.rangeOf(issue.path)
    collector.add('error', range, `${fieldName(issue.path)}${issue.message}`)
  }
  return undefined
}

/** `groups[0].upstreams[1].url: ` */
function fieldName(path: Path): string {
  const name = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('')
  return name === '' ? '' : `${name.replace(/^\./, '')}: `
}

function withResolvedKeysFiles(config: ConfigFile, directory: string): ConfigFile {
  const groups = config.groups.map((group) => {
    const isWithFile = 'keys_file' in group && group.keys_file !== undefined
    return isWithFile ? { ...group, keys_file: resolve(directory, group.keys_file as string) } : group
  })
  return { ...config, groups }
}

function originOf(source: SourceDocument, interpolated: Interpolated, path: Path): FieldOrigin | undefined {
  const node = source.nodeAt(path)
  if (!node) return undefined
  const { line, column } = source.positionOf(source.rangeOf(path)[0])
  return { file: source.path, line, column, variables: interpolated.variables.get(node) ?? [] }
}
