import { parseAsInteger, parseAsString } from 'nuqs'

/**
 * Filters beyond the ones that stand beside the list: each is a pill. `query` is the parameter of the API; those of `isTailed`
 * the live tail knows, too.
 */
export const pillFilters = {
  failed: { query: 'failed', kind: 'flag' },
  model: { query: 'model', kind: 'text' },
  statusClass: { query: 'status_class', kind: 'number' },
  upstream: { query: 'upstream', kind: 'text' },
  errorClass: { query: 'error_class', kind: 'cause' },
  errorCode: { query: 'error_code', kind: 'text' },
  error: { query: 'error', kind: 'text' },
  key: { query: 'key_id', kind: 'number' },
  client: { query: 'client_address', kind: 'text' },
  stream: { query: 'stream', kind: 'flag' },
  minDuration: { query: 'min_duration_ms', kind: 'number' },
  maxDuration: { query: 'max_duration_ms', kind: 'number' },
  minFirstToken: { query: 'min_first_token_ms', kind: 'number' },
  minTokens: { query: 'min_tokens', kind: 'number' },
  maxTokens: { query: 'max_tokens', kind: 'number' },
} as const
export type PillName = keyof typeof pillFilters
export const pillNames = Object.keys(pillFilters) as PillName[]

/** As text in the URL, whatever it is. */
export const pillState = Object.fromEntries(pillNames.map((name) => [name, parseAsString])) as Record<
  PillName,
  typeof parseAsString
>
export const indexedState = { group: parseAsInteger, accessKey: parseAsInteger, status: parseAsInteger }

export type PillValues = Readonly<Record<PillName, string | null>>

/** Parameters of the API; what is no number where one belongs is left out. */
export function pillQuery(values: PillValues): Record<string, string> {
  const query: Record<string, string> = {}
  for (const name of pillNames) {
    const value = values[name]
    if (value !== null && isValid(name, value)) query[pillFilters[name].query] = value
  }
  return query
}

export function isValid(name: PillName, value: string): boolean {
  const { kind } = pillFilters[name]
  if (kind === 'number') return name === 'statusClass' ? /^[1-9]$/.test(value) : /^\d{1,9}$/.test(value)
  if (kind === 'flag') return value === 'true' || value === 'false'
  return value.trim() !== ''
}

const tailed: ReadonlySet<PillName> = new Set(['failed', 'model', 'statusClass'])

/** The tail tells rows apart by less than the search. */
export function canTail(values: PillValues): boolean {
  return pillNames.every((name) => values[name] === null || tailed.has(name))
}
