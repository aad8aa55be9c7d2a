'use client'

import type { Group } from '@gpt-load/contracts/api/group'
import { useApi } from '../../client/api.ts'

/** A model that a first call may name. An aggregate has none of its own: its first member's. */
export function useExampleModel({ kind, members, test_model: own }: Group): string {
  const id = kind === 'aggregate' ? members[0]?.group_id : undefined
  const member = useApi('GET /api/v1/groups/{id}', { params: { id: id ?? 0 } }, { isEnabled: id !== undefined })
  const model = kind === 'aggregate' ? member.data?.test_model : own
  return model === undefined || model === '' ? 'MODEL' : model
}
