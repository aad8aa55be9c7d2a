'use client'

import type { Group } from '@gpt-load/contracts/api/group'
import { useApi } from '../../client/api.ts'

/**
 * Where callers reach the proxy: `app_url` when it is set. Otherwise the page's own origin, which is right in standalone; a cluster's edges
 * have an address of their own, so `isGuess` says that somebody should look.
 */
export function useProxyAddress() {
  const { data } = useApi('GET /api/v1/settings', {})
  const appUrl = String(data?.items.find(({ name }) => name === 'app_url')?.value ?? '')
  const origin = appUrl === '' ? window.location.origin : appUrl.replace(/\/+$/, '')
  return {
    isGuess: data !== undefined && appUrl === '',
    of: (group: Pick<Group, 'endpoint'>) => origin + group.endpoint,
  }
}
