'use client'

import { useText } from '../i18n/locale.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { destinations } from './navigation.ts'
import { commandKey } from './shortcuts.ts'

export function ShortcutHelp({ onClose }: { onClose: () => void }) {
  const { t } = useText()
  const rows: [keys: string[], text: string][] = [
    [['/'], t('help.search')],
    [[commandKey().trim(), 'K'], t('help.palette')],
    [['?'], t('help.help')],
    ...destinations.map(({ letter, text }): [string[], string] => [['g', letter], t('help.goTo', { page: t(text) })]),
  ]
  return (
    <Dialog title={t('help.title')} onClose={onClose} width="max-w-sm">
      <dl className="grid gap-2">
        {rows.map(([keys, text]) => (
          <div key={text} className="flex items-center justify-between gap-4">
            <dt>{text}</dt>
            <dd className="flex gap-1">
              {keys.map((key) => (
                <kbd
                  key={key}
                  className="min-w-6 rounded border border-line-strong bg-sunken px-1.5 py-0.5 text-center text-xs"
                >
                  {key}
                </kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
