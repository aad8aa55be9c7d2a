'use client'

import { useApi } from '../../client/api.ts'

const maxNames = 1_000

/** Groups by their name, for lists that know ids; `#7` stands for one that is gone. */
export function useGroupNames(isEnabled = true): (id: number) => string {
  const { data } = useApi('GET /api/v1/groups', { query: { limit: maxNames } }, { isEnabled })
  return (id) => data?.items.find((group) => group.id === id)?.name ?? `#${id}`
}
