'use client'

import { LoaderCircle, Menu as MenuIcon, X } from 'lucide-react'
import dynamic from 'next/dynamic'
import { usePathname } from 'next/navigation'
import { useEffect, useRef, useState, type ReactNode } from 'react'
import { useIsSignedOut } from '../client/api.ts'
import { useRunningTasks } from '../features/tasks/task-tray.tsx'
import { useText } from '../i18n/locale.tsx'
import { IconButton } from '../ui/button.tsx'
import { PageLink } from '../ui/page-link.tsx'
import { useShortcuts } from './shortcuts.ts'
import { Logo } from './logo.tsx'
import { Sidebar } from './sidebar.tsx'
import { SignIn } from './sign-in.tsx'

const CommandPalette = dynamic(async () => (await import('./command-palette.tsx')).CommandPalette, { ssr: false })
const ShortcutHelp = dynamic(async () => (await import('./shortcut-help.tsx')).ShortcutHelp, { ssr: false })

/** Signed out, there is one page; signed in, navigation beside the page. */
export function Shell({ children }: { children: ReactNode }) {
  if (useIsSignedOut()) return <SignIn />
  return <SignedIn>{children}</SignedIn>
}

function SignedIn({ children }: { children: ReactNode }) {
  const { t } = useText()
  const [open, setOpen] = useState<'palette' | 'help' | null>(null)
  useShortcuts({ onPalette: () => setOpen('palette'), onHelp: () => setOpen('help'), isOpen: open !== null })
  return (
    <div className="min-h-screen md:pl-52">
      <a
        href="#main"
        className="sr-only z-50 rounded bg-accent px-3 py-2 text-accent-ink focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        {t('nav.skip')}
      </a>
      <aside
        aria-label={t('nav.sidebar')}
        className="fixed inset-y-0 left-0 hidden w-52 border-r border-line bg-sunken md:block"
      >
        <Sidebar onPalette={() => setOpen('palette')} onHelp={() => setOpen('help')} />
      </aside>
      <NarrowBar onPalette={() => setOpen('palette')} onHelp={() => setOpen('help')} />
      <main id="main" tabIndex={-1} className="mx-auto max-w-[1240px] px-4 py-6 outline-none sm:px-7">
        {children}
      </main>
      {open === 'palette' && <CommandPalette onClose={() => setOpen(null)} />}
      {open === 'help' && <ShortcutHelp onClose={() => setOpen(null)} />}
    </div>
  )
}

/** Where the sidebar is out of sight, so is its tray. */
function RunningNote() {
  const { t, format } = useText()
  const running = useRunningTasks()
  if (running.length === 0) return null
  return (
    <PageLink
      href="/tasks/"
      className="ml-auto flex items-center gap-1.5 rounded-md px-2 py-1 text-xs text-accent hover:bg-line/60"
    >
      <LoaderCircle aria-hidden className="size-3.5 animate-spin" />
      {t('tasks.running')} · <span className="figures">{format.number(running.length)}</span>
    </PageLink>
  )
}

/** The platform's dialog: it traps the focus and closes by Escape without a library on the first page. */
function NarrowBar(props: { onPalette: () => void; onHelp: () => void }) {
  const { t } = useText()
  const dialog = useRef<HTMLDialogElement>(null)
  const [isOpen, setIsOpen] = useState(false)
  const pathname = usePathname()
  const close = (): void => setIsOpen(false)
  useEffect(() => setIsOpen(false), [pathname])
  useEffect(() => {
    if (isOpen) dialog.current?.showModal()
    else dialog.current?.close()
  }, [isOpen])
  const closeAnd = (action: () => void) => () => {
    close()
    action()
  }
  return (
    <>
      <header className="sticky top-0 z-30 flex h-12 items-center gap-2 border-b border-line bg-sunken px-3 md:hidden">
        <IconButton label={t('nav.open')} onClick={() => setIsOpen(true)}>
          <MenuIcon aria-hidden className="size-4.5" />
        </IconButton>
        <Logo />
        <RunningNote />
      </header>
      <dialog
        ref={dialog}
        onClose={close}
        aria-label={t('nav.label')}
        onClick={(event) => event.target === event.currentTarget && close()}
        className="fixed inset-y-0 left-0 m-0 h-dvh max-h-none w-64 max-w-none border-r border-line bg-sunken text-ink shadow-float backdrop:bg-black/35 dark:backdrop:bg-black/60"
      >
        {isOpen && (
          <div className="relative h-full">
            <IconButton label={t('common.close')} className="absolute! top-2.5 right-2" onClick={close}>
              <X aria-hidden className="size-4" />
            </IconButton>
            <Sidebar onPalette={closeAnd(props.onPalette)} onHelp={closeAnd(props.onHelp)} />
          </div>
        )}
      </dialog>
    </>
  )
}
