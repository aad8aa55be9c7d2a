import { decodeSegment } from './path-version.ts'
import { listOf, objectOf, parseJson, textOf } from './json-value.ts'
import type { JsonObject } from './json-value.ts'

/**
 * The model list as callers of a group with redirect rules see it (gpt-load/proxy.md 6): strict shows only the rules'
 * sources, loose adds them to what the upstream offers. A source with `*` stands for the upstream models it matches.
 */
export type ModelListRules = { sources: readonly string[]; isStrict: boolean; isFirstPage: boolean }
type ListShape = {
  listName: 'data' | 'models'
  idOf(entry: JsonObject): string
  entryOf(source: string): JsonObject
  /** Members that only hold while the list is the upstream's. */
  finish(list: readonly JsonObject[], rules: ModelListRules): JsonObject
}

const listPath = /^(?:.*\/(?:v\d+(?:alpha|beta)?|openai))?\/models(?:\/(.*))?$/

/** Known prefixes only: `/v1/fine_tuning/models` and the like are other resources. */
export function findModelListPath(method: string, path: string): { model: string } | null {
  if (method !== 'GET') return null
  const match = listPath.exec(path)
  return match === null ? null : { model: decodeSegment(match[1] ?? '') }
}

export const openaiModelList: ListShape = {
  listName: 'data',
  idOf: (entry) => textOf(entry['id']),
  entryOf: (source) => ({ id: source, object: 'model', created: 0, owned_by: 'system' }),
  finish: () => ({}),
}

export const anthropicModelList: ListShape = {
  listName: 'data',
  idOf: (entry) => textOf(entry['id']),
  entryOf: (source) => ({ type: 'model', id: source, display_name: source, created_at: '1970-01-01T00:00:00Z' }),
  finish: (list, { isStrict }) => ({
    first_id: list[0]?.['id'] ?? null,
    last_id: list.at(-1)?.['id'] ?? null,
    ...(isStrict ? { has_more: false } : {}),
  }),
}

export const geminiModelList: ListShape = {
  listName: 'models',
  idOf: (entry) => textOf(entry['name']).replace(/^models\//, ''),
  entryOf: (source) => ({
    name: `models/${source}`,
    displayName: source,
    supportedGenerationMethods: ['generateContent'],
  }),
  finish: (_list, { isStrict }) => (isStrict ? { nextPageToken: undefined } : {}),
}

/** Null when the body is not a list of this shape. */
export function rewriteModelList(body: string, rules: ModelListRules, shape: ListShape): string | null {
  const root = objectOf(parseJson(body))
  if (root === null || !Array.isArray(root[shape.listName])) return null
  const offered = listOf(root[shape.listName])
    .map(objectOf)
    .filter((entry) => entry !== null)
  const list = rules.isStrict ? strictList(offered, rules, shape) : looseList(offered, rules, shape)
  return JSON.stringify({ ...root, [shape.listName]: list, ...shape.finish(list, rules) })
}

function strictList(offered: readonly JsonObject[], rules: ModelListRules, shape: ListShape): JsonObject[] {
  const list = new Map<string, JsonObject>()
  for (const source of rules.sources) {
    if (!source.includes('*')) list.set(source, shape.entryOf(source))
    else
      for (const entry of matchesOf(source, offered, shape))
        if (!list.has(shape.idOf(entry))) list.set(shape.idOf(entry), entry)
  }
  return [...list.values()]
}

function looseList(offered: readonly JsonObject[], rules: ModelListRules, shape: ListShape): JsonObject[] {
  if (!rules.isFirstPage) return [...offered]
  const known = new Set(offered.map((entry) => shape.idOf(entry)))
  const missing = rules.sources.filter((source) => !source.includes('*') && !known.has(source))
  return [...offered, ...missing.map((source) => shape.entryOf(source))]
}

function matchesOf(source: string, offered: readonly JsonObject[], shape: ListShape): JsonObject[] {
  const parts = source.split('*').map((part) => RegExp.escape(part))
  const pattern = new RegExp(`^${parts.join('.*')}$`, 's')
  return offered.filter((entry) => pattern.test(shape.idOf(entry)))
}
