'use client'

import { useText } from '../i18n/locale.tsx'
import { Button } from './button.tsx'
import { CopyButton } from './copy-button.tsx'
import { Dialog } from './dialog.tsx'

/** The only moment in which a new secret is anywhere to be seen. */
export function SecretOnce(props: { title: string; secret: string; copyLabel: string; onClose: () => void }) {
  const { t } = useText()
  return (
    <Dialog
      title={props.title}
      description={t('accessKeys.once')}
      isDirty
      onClose={props.onClose}
      footer={
        <Button kind="primary" onClick={props.onClose}>
          {t('accessKeys.stored')}
        </Button>
      }
    >
      <div className="flex flex-wrap items-center gap-3 rounded-md bg-sunken p-3">
        <code data-token className="min-w-0 flex-1 font-mono text-[13px] break-all">
          {props.secret}
        </code>
        <CopyButton text={props.secret} label={props.copyLabel} isWide />
      </div>
    </Dialog>
  )
}
