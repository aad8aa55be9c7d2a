'use client'

import { toast } from 'sonner'
import { api, useChange } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { describeError } from '../../ui/states.tsx'

export function useCancelTask() {
  const { t } = useText()
  return useChange((id: number) => api('POST /api/v1/tasks/{id}/cancel', { params: { id } }), {
    onDone: () => toast.success(t('tasks.cancelled')),
    onFailed: (error) => toast.error(describeError(error, t)),
  })
}
