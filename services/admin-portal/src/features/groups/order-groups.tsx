'use client'

import type { Group } from '@gpt-load/contracts/api/group'
import { ChevronDown, ChevronUp, GripVertical } from 'lucide-react'
import { useState } from 'react'
import { toast } from 'sonner'
import { api, useApi, useChange } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { describeError, ErrorState, SkeletonRows } from '../../ui/states.tsx'
import { ownerOfField } from './file-owner.ts'
import { ManagedWarning } from './managed-field.tsx'

/** As many as one change may name. */
const maxGroups = 1_000
/** Room for one in between. */
const step = 10

export function OrderGroups({ onClose }: { onClose: () => void }) {
  const { t } = useText()
  const query = useApi('GET /api/v1/groups', { query: { limit: maxGroups } })
  const [moved, setMoved] = useState<readonly Group[] | null>(null)
  const order = moved ?? query.data?.items ?? []
  const owner = order.map((group) => ownerOfField(group, 'sort')).find((each) => each !== null) ?? null
  const save = useChange(
    () => api('PUT /api/v1/groups/order', { body: order.map(({ id }, index) => ({ id, sort: (index + 1) * step })) }),
    {
      onDone: () => {
        toast.success(t('common.saved'))
        onClose()
      },
      onFailed: (error) => toast.error(describeError(error, t)),
    },
  )
  const move = (from: number, to: number): void => {
    const group = order[from]
    if (group === undefined || to < 0 || to >= order.length) return
    setMoved(order.toSpliced(from, 1).toSpliced(to, 0, group))
  }
  return (
    <Dialog
      title={t('groups.reorder')}
      description={t('groups.reorderAbout')}
      isDirty={moved !== null}
      onClose={onClose}
      width="max-w-md"
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button
            kind="primary"
            disabled={moved === null}
            isBusy={save.isPending}
            onClick={() => save.mutate(undefined)}
          >
            {t('common.save')}
          </Button>
        </>
      }
    >
      {query.error !== null && <ErrorState error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <SkeletonRows rows={6} height={40} />}
      {moved !== null && <ManagedWarning owner={owner} />}
      <OrderList order={order} onMove={move} />
    </Dialog>
  )
}

function OrderList({ order, onMove }: { order: readonly Group[]; onMove: (from: number, to: number) => void }) {
  const { t } = useText()
  const [dragged, setDragged] = useState<number | null>(null)
  return (
    <ol className="grid gap-1">
      {order.map((group, index) => (
        <li
          key={group.id}
          draggable
          onDragStart={(event) => {
            event.dataTransfer.effectAllowed = 'move'
            setDragged(index)
          }}
          onDragEnter={() => {
            if (dragged === null || dragged === index) return
            onMove(dragged, index)
            setDragged(index)
          }}
          onDragOver={(event) => event.preventDefault()}
          onDragEnd={() => setDragged(null)}
          className={`flex h-10 items-center gap-2 rounded-md border px-2 ${dragged === index ? 'border-accent bg-accent-soft' : 'border-line bg-surface'}`}
        >
          <GripVertical aria-hidden className="size-4 shrink-0 cursor-grab text-ink-faint" />
          <span className="min-w-0 flex-1 truncate">
            {group.display_name || group.name}
            {group.display_name !== '' && <span className="ml-2 text-xs text-ink-faint">{group.name}</span>}
          </span>
          <IconButton
            label={t('groups.moveUp', { name: group.name })}
            disabled={index === 0}
            className="size-7!"
            onClick={() => onMove(index, index - 1)}
          >
            <ChevronUp aria-hidden className="size-4" />
          </IconButton>
          <IconButton
            label={t('groups.moveDown', { name: group.name })}
            disabled={index === order.length - 1}
            className="size-7!"
            onClick={() => onMove(index, index + 1)}
          >
            <ChevronDown aria-hidden className="size-4" />
          </IconButton>
        </li>
      ))}
    </ol>
  )
}
