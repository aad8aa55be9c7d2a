'use client'

import { Dialog } from '@base-ui/react/dialog'
import { Command } from 'cmdk'
import { Moon, Sun } from 'lucide-react'
import { useRouter } from 'next/navigation'
import { useTheme } from 'next-themes'
import { useState, type ReactNode } from 'react'
import { useApi } from '../client/api.ts'
import { useText } from '../i18n/locale.tsx'
import { backdropStyle } from '../ui/dialog.tsx'
import { destinations, groupHref } from './navigation.ts'

/** Pages, groups and requests by a few letters of them. Groups are searched by the server, so any number of them is found. */
export function CommandPalette({ onClose }: { onClose: () => void }) {
  const { t } = useText()
  const router = useRouter()
  const { resolvedTheme, setTheme } = useTheme()
  const [text, setText] = useState('')
  const groups = useApi('GET /api/v1/groups', { query: { search: text.trim().slice(0, 100), limit: 8 } })
  const run = (action: () => void) => () => {
    onClose()
    action()
  }
  const isRequestId = /^[\w.-]{16,64}$/.test(text.trim())
  return (
    <Dialog.Root open onOpenChange={(open) => open || onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className={backdropStyle} />
        <Dialog.Popup
          aria-label={t('palette.title')}
          className="fixed top-[12vh] left-1/2 z-50 w-[calc(100vw-2rem)] max-w-lg -translate-x-1/2 overflow-hidden rounded-xl border border-line bg-surface shadow-float"
        >
          <Command label={t('palette.title')}>
            <Command.Input
              value={text}
              onValueChange={setText}
              placeholder={t('palette.placeholder')}
              className="h-12 w-full border-b border-line bg-transparent px-4 text-[15px] outline-none"
            />
            <Command.List className="quiet-scroll max-h-80 overflow-y-auto p-1.5">
              <Command.Empty className="px-3 py-6 text-center text-ink-faint">{t('palette.nothing')}</Command.Empty>
              {isRequestId && (
                <Item value={`request ${text}`} onSelect={run(() => router.push(`/logs/?request=${text.trim()}`))}>
                  {t('palette.request', { id: text.trim() })}
                </Item>
              )}
              <Command.Group heading={t('palette.pages')} className={groupStyle}>
                {destinations.map(({ href, text: name, icon: Icon }) => (
                  <Item key={href} value={t(name)} onSelect={run(() => router.push(href))}>
                    <Icon aria-hidden className="size-4 text-ink-faint" />
                    {t(name)}
                  </Item>
                ))}
              </Command.Group>
              <Command.Group heading={t('nav.groups')} className={groupStyle}>
                {groups.data?.items.map((group) => (
                  <Item
                    key={group.id}
                    value={`${group.name} ${group.display_name} ${group.description} ${group.id}`}
                    onSelect={run(() => router.push(groupHref(group.id)))}
                  >
                    <span className="font-mono text-[13px]">{group.name}</span>
                    <span className="truncate text-ink-faint">{group.display_name}</span>
                  </Item>
                ))}
              </Command.Group>
              <Command.Group heading={t('theme.label')} className={groupStyle}>
                <Item
                  value={t('palette.theme')}
                  onSelect={run(() => setTheme(resolvedTheme === 'dark' ? 'light' : 'dark'))}
                >
                  {resolvedTheme === 'dark' ? (
                    <Sun aria-hidden className="size-4" />
                  ) : (
                    <Moon aria-hidden className="size-4" />
                  )}
                  {t('palette.theme')}
                </Item>
              </Command.Group>
            </Command.List>
          </Command>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

const groupStyle =
  '[&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:py-1.5 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:text-ink-faint'

function Item(props: { value: string; onSelect: () => void; children: ReactNode }) {
  return (
    <Command.Item
      value={props.value}
      onSelect={props.onSelect}
      className="flex h-9 cursor-default items-center gap-2.5 rounded-md px-2.5 aria-selected:bg-accent-soft"
    >
      {props.children}
    </Command.Item>
  )
}
