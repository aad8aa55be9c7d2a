import {
  Activity,
  TerminalSquare,
  Cable,
  ChartColumn,
  CircleDollarSign,
  Gauge,
  History,
  KeyRound,
  ListChecks,
  ListTree,
  Logs,
  ScrollText,
  Settings2,
  type LucideIcon,
} from 'lucide-react'
import type { PlainKey } from '../i18n/messages.ts'

/** The pages. `letter` is what follows `g`. */
export type Destination = { href: string; text: PlainKey; letter: string; icon: LucideIcon }

export const destinations: readonly Destination[] = [
  { href: '/', text: 'nav.overview', letter: 'o', icon: Gauge },
  { href: '/groups/', text: 'nav.groups', letter: 'g', icon: ListTree },
  { href: '/access-keys/', text: 'nav.accessKeys', letter: 'a', icon: KeyRound },
  { href: '/logs/', text: 'nav.logs', letter: 'l', icon: Logs },
  { href: '/usage/', text: 'nav.usage', letter: 'c', icon: ChartColumn },
  { href: '/prices/', text: 'nav.prices', letter: 'p', icon: CircleDollarSign },
  { href: '/tasks/', text: 'nav.tasks', letter: 't', icon: ListChecks },
  { href: '/edges/', text: 'nav.edges', letter: 'e', icon: Cable },
  { href: '/audit/', text: 'nav.audit', letter: 'u', icon: ScrollText },
  { href: '/revisions/', text: 'nav.revisions', letter: 'r', icon: History },
  { href: '/tokens/', text: 'nav.tokens', letter: 'k', icon: TerminalSquare },
  { href: '/settings/', text: 'nav.settings', letter: 's', icon: Settings2 },
  { href: '/system/', text: 'nav.system', letter: 'y', icon: Activity },
]

export function groupHref(id: number, tab?: string): string {
  return `/groups/view/?id=${id}${tab === undefined ? '' : `&tab=${tab}`}`
}
