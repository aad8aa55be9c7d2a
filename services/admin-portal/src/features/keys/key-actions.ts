'use client'

import type { Key } from '@gpt-load/contracts/api/key'
import { toast } from 'sonner'
import { api, useChange } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { describeError } from '../../ui/states.tsx'

export type KeyAction = 'test' | 'restore' | 'enable' | 'disable' | 'delete'
export type Disabling = { note?: string | undefined; until?: string | undefined }

/** One key, at once; many are a task. */
export function useKeyAction() {
  const { t } = useText()
  const test = useTest()
  const change = useChange(perform, {
    onDone: (_, { action }) => toast.success(t(`keys.done.${action}`)),
    onFailed: (error) => toast.error(describeError(error, t)),
  })
  return (action: KeyAction, key: Key, disabling: Disabling = {}): void => {
    if (action === 'test') test.mutate(key)
    else change.mutate({ action, key, disabling })
  }
}

function useTest() {
  const { t, format } = useText()
  return useChange(({ id }: Key) => api('POST /api/v1/keys/{id}/test', { params: { id } }), {
    onDone: ({ data: { valid, status, code, message, duration_ms: durationMs } }) => {
      if (valid) return void toast.success(t('keys.testedGood', { duration: format.milliseconds(durationMs) }))
      toast.warning(t('keys.testedBad'), { description: [status, code, message].filter(Boolean).join(' · ') })
    },
    onFailed: (error) => toast.error(describeError(error, t)),
  })
}

type Change = { action: Exclude<KeyAction, 'test'>; key: Key; disabling: Disabling }

async function perform({ action, key: { id, revision }, disabling }: Change): Promise<void> {
  const target = { params: { id }, revision }
  if (action === 'restore') await api('POST /api/v1/keys/{id}/restore', target)
  else if (action === 'enable') await api('POST /api/v1/keys/{id}/enable', target)
  else if (action === 'disable') await api('POST /api/v1/keys/{id}/disable', { ...target, body: disabling })
  else await api('DELETE /api/v1/keys/{id}', target)
}
