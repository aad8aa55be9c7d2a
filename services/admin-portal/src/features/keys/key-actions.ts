'use client'

import type { Key } from '@gpt-load/contracts/api/key'
import { useCallback, useState } from 'react'
import { toast } from 'sonner'
import { useQueryClient } from '@tanstack/react-query'
import { api } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { describeError } from '../../ui/states.tsx'

export type KeyAction = 'test' | 'restore' | 'enable' | 'disable' | 'delete'
export type Disabling = { note?: string | undefined; until?: string | undefined }

/** As many at once as an edge of the API serves without making others wait. */
const atOnce = 4

/** Runs an action on one key or on many; says how many it changed, and why the first of the others failed. */
export function useKeyActions() {
  const { t, format } = useText()
  const client = useQueryClient()
  const [progress, setProgress] = useState<{ action: KeyAction; done: number; total: number } | null>(null)

  const run = useCallback(
    async (action: KeyAction, keys: readonly Key[], disabling: Disabling = {}) => {
      const waiting = [...keys]
      const outcome = { done: 0, valid: 0, failures: [] as unknown[] }
      setProgress({ action, done: 0, total: keys.length })
      const work = async (): Promise<void> => {
        for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) {
          try {
            if (await perform(action, key, disabling)) outcome.valid += 1
          } catch (error) {
            outcome.failures.push(error)
          }
          outcome.done += 1
          setProgress({ action, done: outcome.done, total: keys.length })
        }
      }
      await Promise.all(Array.from({ length: Math.min(atOnce, keys.length) }, work))
      setProgress(null)
      const changed = outcome.done - outcome.failures.length
      if (outcome.failures.length > 0)
        toast.error(
          t('keys.someFailed', { failed: format.number(outcome.failures.length), total: format.number(keys.length) }),
          {
            description: describeError(outcome.failures[0], t),
          },
        )
      else if (action === 'test')
        toast[outcome.valid === keys.length ? 'success' : 'warning'](
          t('keys.tested', { valid: format.number(outcome.valid), total: format.number(keys.length) }),
        )
      else toast.success(t(`keys.done.${action}`, { count: format.number(changed) }))
      await client.invalidateQueries()
    },
    [client, format, t],
  )
  return { run, progress }
}

/** @returns whether a test found the key valid; true for the rest */
async function perform(action: KeyAction, { id, revision }: Key, disabling: Disabling): Promise<boolean> {
  const target = { params: { id }, revision }
  if (action === 'test') return (await api('POST /api/v1/keys/{id}/test', { params: { id } })).data.valid
  if (action === 'restore') await api('POST /api/v1/keys/{id}/restore', target)
  else if (action === 'enable') await api('POST /api/v1/keys/{id}/enable', target)
  else if (action === 'disable') await api('POST /api/v1/keys/{id}/disable', { ...target, body: disabling })
  else await api('DELETE /api/v1/keys/{id}', target)
  return true
}
