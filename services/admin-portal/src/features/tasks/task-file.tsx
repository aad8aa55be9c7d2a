'use client'

import type { Task } from '@gpt-load/contracts/api/task'
import { Download, Trash2 } from 'lucide-react'
import { toast } from 'sonner'
import { api, useChange } from '../../client/api.ts'
import { basePath } from '../../client/base-path.ts'
import { useSession } from '../../client/session.ts'
import { useNow } from '../../client/use-now.ts'
import { useText } from '../../i18n/locale.tsx'
import { Button, buttonStyle } from '../../ui/button.tsx'
import { describeError } from '../../ui/states.tsx'

/** Of an export: its file, which the browser takes as it comes, however large it is, and the end of it. */
export function TaskFile({ task }: { task: Task }) {
  const { t } = useText()
  const now = useNow()
  const scopes = useSession().data?.scopes
  const deletion = useChange(() => api('DELETE /api/v1/tasks/{id}/output', { params: { id: task.id } }), {
    onDone: () => toast.success(t('tasks.fileDeleted')),
    onFailed: (error) => toast.error(describeError(error, t)),
  })
  if (task.output_until === null || Date.parse(task.output_until) <= now) return null
  return (
    <div className="mt-4 flex flex-wrap gap-2">
      {scopes?.includes('secrets:read') === true && (
        <a href={`${basePath}/api/v1/tasks/${task.id}/output`} download className={buttonStyle('primary', 'small')}>
          <Download aria-hidden className="size-4" />
          {t('tasks.download')}
        </a>
      )}
      {scopes?.includes('write') === true && (
        <Button size="small" isBusy={deletion.isPending} onClick={() => deletion.mutate(undefined)}>
          <Trash2 aria-hidden className="size-4" />
          {t('tasks.deleteFile')}
        </Button>
      )}
    </div>
  )
}
