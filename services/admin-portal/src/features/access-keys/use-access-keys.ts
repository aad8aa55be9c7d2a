import { adminAccessKeyId } from '@gpt-load/contracts/entity-id'
import { useCallback } from 'react'
import { useApi } from '../../client/api.ts'

/** Those that filters offer and whose names are known; a key beyond shows its number. */
const maxNamed = 1_000

export function useAccessKeys() {
  const { data } = useApi('GET /api/v1/access-keys', { query: { limit: maxNamed } })
  const items = data?.items
  const nameOf = useCallback(
    (id: number): string =>
      id === adminAccessKeyId ? 'AUTH_KEY' : (items?.find((key) => key.id === id)?.name ?? `#${id}`),
    [items],
  )
  return { items: items ?? [], nameOf }
}
