'use client'

import { createApiClient, type ApiInput, type ApiResult, type OperationKey } from '@gpt-load/api-client/api-client'
import { ApiError } from '@gpt-load/api-client/api-error'
import {
  keepPreviousData,
  QueryCache,
  QueryClient,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query'
import { useMemo } from 'react'
import { basePath } from './base-path.ts'

/** The portal's side of the API: every read is a query named by its operation, so that a change knows what to read again. */
export const api = createApiClient({ baseUrl: basePath })

export function createQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error) => {
        if (error instanceof ApiError && error.code === 'unauthorized') client.setQueryData(signedOutKey, true)
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        // What the caller did wrong does not become right by asking again.
        retry: (count, error) =>
          count < 2 && (!(error instanceof ApiError) || error.status === 0 || error.status >= 500),
        retryDelay: (count) => 500 * 2 ** count,
      },
    },
  })
  return client
}

/** Forgets what was read: the next one may see less. */
export function showSignIn(client: QueryClient, isShown: boolean): void {
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== signedOutKey[0] })
  client.setQueryData(signedOutKey, isShown)
}

/** Whatever call is refused for want of a session, the sign-in page comes; signing in empties all that is known. */
const signedOutKey = ['signed out']

export function useIsSignedOut(): boolean {
  return useQuery({ queryKey: signedOutKey, queryFn: () => false, enabled: false, staleTime: Infinity }).data === true
}

/** Milliseconds; a function when it depends on what was answered, false = it will not change any more. */
type Refresh<Result> = number | ((data: Result | undefined) => number | false)

type ReadKey = Extract<OperationKey, `GET ${string}`>

export function useApi<Key extends ReadKey>(
  operation: Key,
  input: ApiInput<Key>,
  options: { refreshMs?: Refresh<ApiResult<Key>>; isEnabled?: boolean } = {},
) {
  const refreshMs = options.refreshMs ?? false
  return useQuery<ApiResult<Key>>({
    queryKey: [operation, input],
    queryFn: async ({ signal }) => (await callWith(operation, { ...input, signal })) as ApiResult<Key>,
    placeholderData: keepPreviousData,
    enabled: options.isEnabled ?? true,
    refetchInterval: ({ state }) => (typeof refreshMs === 'function' ? refreshMs(state.data) : refreshMs),
  })
}

type PageOf<Item> = { items: Item[]; next_cursor: string | null }
type ListKey = { [K in ReadKey]: ApiResult<K> extends PageOf<unknown> ? K : never }[ReadKey]
type ItemOf<Key extends ListKey> = ApiResult<Key> extends PageOf<infer Item> ? Item : never

/** Reading a list again reads all of its pages that were scrolled to: the more there are, the less often. */
const pagesPerRefresh = 4

/** A list of any length: pages are read as they are scrolled to. */
export function useApiList<Key extends ListKey>(
  operation: Key,
  input: ApiInput<Key>,
  options: { refreshMs?: number } = {},
) {
  const query = useInfiniteQuery({
    queryKey: [operation, 'list', input],
    initialPageParam: null as string | null,
    queryFn: async ({ signal, pageParam }) => {
      const given = input as { query?: Record<string, unknown> }
      const page = pageParam === null ? {} : { cursor: pageParam }
      return (await callWith(operation, { ...input, query: { ...given.query, ...page }, signal })) as ApiResult<Key> &
        PageOf<ItemOf<Key>>
    },
    getNextPageParam: (last) => last.next_cursor,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => {
      if (options.refreshMs === undefined) return false
      return options.refreshMs * Math.max(1, (state.data?.pages.length ?? 0) / pagesPerRefresh)
    },
  })
  const pages = query.data?.pages
  const items = useMemo(() => pages?.flatMap((page) => page.items) ?? [], [pages])
  return { ...query, items }
}

/** A change. Afterwards everything that is on the screen is read again: it is little, and nothing is ever stale. */
export function useChange<Input, Result>(
  change: (input: Input) => Promise<Result>,
  options: {
    onDone?: (result: Result, input: Input) => void
    onFailed?: (error: unknown) => void
    /** The page that shows it is left: what is gone is not read again. */
    isLeaving?: boolean
  } = {},
) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: change,
    onSuccess: (result, input) => {
      options.onDone?.(result, input)
      return client.invalidateQueries({ refetchType: options.isLeaving === true ? 'none' : 'active' })
    },
    onError: (error) => {
      options.onFailed?.(error)
      if (error instanceof ApiError && error.code === 'precondition_failed') void client.invalidateQueries()
    },
  })
}

async function callWith(operation: string, input: object): Promise<unknown> {
  const call = api as unknown as (operation: string, input: object) => Promise<{ data: unknown }>
  return (await call(operation, input)).data
}
