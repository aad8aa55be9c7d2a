'use client'

import { useQueryClient } from '@tanstack/react-query'
import { api, showSignIn, useApi } from './api.ts'

/** Signing in: the key is exchanged for a cookie that scripts cannot read, and kept nowhere here. */
export function useSession() {
  return useApi('GET /api/v1/session', {})
}

export function useSignIn(): (key: string) => Promise<void> {
  const client = useQueryClient()
  return async (key) => {
    await api('POST /api/v1/sessions', { body: { key } })
    showSignIn(client, false)
  }
}

export function useSignOut(): () => Promise<void> {
  const client = useQueryClient()
  return async () => {
    await api('DELETE /api/v1/session')
    showSignIn(client, true)
  }
}
