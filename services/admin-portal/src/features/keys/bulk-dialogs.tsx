'use client'

import type { Group } from '@gpt-load/contracts/api/group'
import { useBulkChange, type BulkChange, type ChosenKeys } from './bulk-actions.ts'
import { ExportDialog } from './export-dialog.tsx'
import { DeleteKeys, DisableKeys } from './key-dialogs.tsx'
import { SendDialog } from './send-dialog.tsx'

export type AskedAction = 'disable' | 'delete' | 'send' | 'export'

/** What has to be asked before many keys are changed. */
export function BulkDialogs(props: {
  group: Group
  action: AskedAction
  chosen: ChosenKeys
  count: string
  onStarted: () => void
  onClose: () => void
}) {
  const { group, action, chosen, count, onClose } = props
  const bulk = useBulkChange(group.id, props.onStarted)
  const start = (change: BulkChange): void => bulk.mutate({ chosen, change })
  const common = { count, isBusy: bulk.isPending, onClose }
  switch (action) {
    case 'disable':
      return <DisableKeys {...common} onConfirm={(disabling) => start({ action, ...disabling })} />
    case 'delete':
      return <DeleteKeys {...common} name={group.name} onConfirm={() => start({ action })} />
    case 'send':
      return <SendDialog {...common} group={group} onConfirm={start} />
    case 'export':
      return (
        <ExportDialog {...common} group={group} chosen={chosen} onStart={(content) => start({ action, content })} />
      )
  }
}
