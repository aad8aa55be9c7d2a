'use client'

import { CircleHelp, Languages, LogOut, Moon, Search, Sun } from 'lucide-react'
import { PageLink } from '../ui/page-link.tsx'
import { usePathname } from 'next/navigation'
import { useTheme } from 'next-themes'
import { toast } from 'sonner'
import { useApi } from '../client/api.ts'
import { useSession, useSignOut } from '../client/session.ts'
import { TaskTray } from '../features/tasks/task-tray.tsx'
import { useText } from '../i18n/locale.tsx'
import { localeNames, locales } from '../i18n/messages.ts'
import { IconButton } from '../ui/button.tsx'
import { IconSelect } from '../ui/icon-select.tsx'
import { describeError } from '../ui/states.tsx'
import { Logo } from './logo.tsx'
import { destinations } from './navigation.ts'
import { commandKey } from './shortcuts.ts'

export function Sidebar({ onPalette, onHelp }: { onPalette: () => void; onHelp: () => void }) {
  const { t } = useText()
  const pathname = usePathname()
  return (
    <div className="flex h-full flex-col">
      <div className="flex h-14 items-center px-4">
        <Logo />
      </div>
      <div className="px-2.5 pb-2">
        <button
          type="button"
          onClick={onPalette}
          className="flex h-8 w-full items-center gap-2 rounded-md border border-line bg-surface px-2 text-ink-faint hover:border-line-strong"
        >
          <Search aria-hidden className="size-4" />
          {t('palette.open')}
          <kbd className="ml-auto font-sans text-xs">{commandKey()}K</kbd>
        </button>
      </div>
      <nav aria-label={t('nav.label')} className="grid gap-px px-2.5">
        {destinations.map(({ href, text, icon: Icon }) => (
          <PageLink
            key={href}
            href={href}
            aria-current={(href === '/' ? pathname === href : pathname.startsWith(href)) ? 'page' : undefined}
            className="flex h-8 items-center gap-2.5 rounded-md px-2 text-ink-soft hover:bg-line/60 hover:text-ink aria-[current]:bg-accent-soft aria-[current]:font-medium aria-[current]:text-accent"
          >
            <Icon aria-hidden className="size-4" />
            {t(text)}
          </PageLink>
        ))}
      </nav>
      <div className="mt-auto grid grid-cols-1 gap-2 px-2.5 pb-3">
        <TaskTray />
        <RevisionNote />
        <div className="flex items-center border-t border-line pt-2">
          <LanguageMenu />
          <ThemeMenu />
          <IconButton label={t('help.open')} onClick={onHelp}>
            <CircleHelp aria-hidden className="size-4" />
          </IconButton>
          <SignOut />
        </div>
      </div>
    </div>
  )
}

/** Whether what was changed has arrived everywhere. */
function RevisionNote() {
  const { t, format } = useText()
  const { data } = useApi('GET /api/v1/status', {}, { refreshMs: 5_000 })
  if (data === undefined) return <div className="h-9" />
  const { applied, reachable } = data.edges
  const isBehind = applied < reachable || reachable === 0
  return (
    <PageLink href="/edges/" className="rounded-md px-2 py-1 text-xs leading-4 text-ink-faint hover:bg-line/60">
      <span className="flex items-center gap-1.5">
        <span aria-hidden className={`size-1.5 rounded-full ${isBehind ? 'bg-warn-fill' : 'bg-good-fill'}`} />
        {t('status.edges', { applied: format.number(applied), reachable: format.number(reachable) })}
      </span>
      <span className="figures block">
        {t('status.revision', { revision: format.number(data.revision), version: data.version })}
      </span>
    </PageLink>
  )
}

function LanguageMenu() {
  const { t, locale, setLocale } = useText()
  return (
    <IconSelect
      label={t('language.label')}
      icon={<Languages aria-hidden className="size-4" />}
      value={locale}
      options={locales.map((each) => [each, localeNames[each]] as const)}
      onChange={setLocale}
    />
  )
}

function ThemeMenu() {
  const { t } = useText()
  const { theme = 'system', setTheme } = useTheme()
  return (
    <IconSelect
      label={t('theme.label')}
      icon={
        <>
          <Sun aria-hidden className="size-4 dark:hidden" />
          <Moon aria-hidden className="hidden size-4 dark:block" />
        </>
      }
      value={theme}
      options={[
        ['light', t('theme.light')],
        ['dark', t('theme.dark')],
        ['system', t('theme.system')],
      ]}
      onChange={setTheme}
    />
  )
}

function SignOut() {
  const { t } = useText()
  const session = useSession()
  const signOut = useSignOut()
  // A key in a header, of a reverse proxy for instance, cannot be signed out here.
  if (session.data === undefined || session.data.expires_at === null) return null
  return (
    <IconButton
      label={t('session.signOut', { name: session.data.name })}
      className="ml-auto"
      onClick={() => void signOut().catch((error: unknown) => toast.error(describeError(error, t)))}
    >
      <LogOut aria-hidden className="size-4" />
    </IconButton>
  )
}
