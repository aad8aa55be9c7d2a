'use client'

import type { StatsOverview } from '@gpt-load/contracts/api/stats'
import { Check, LoaderCircle } from 'lucide-react'
import { useText } from '../../i18n/locale.tsx'
import type { PlainKey } from '../../i18n/messages.ts'
import { groupHref } from '../../shell/navigation.ts'
import { buttonStyle } from '../../ui/button.tsx'
import { Panel } from '../../ui/page.tsx'
import { PageLink } from '../../ui/page-link.tsx'

type Step = { title: PlainKey; text: PlainKey; action: PlainKey; href: string; isDone: boolean }

/** From nothing to the first answer; gone once requests have come. */
export function FirstSteps({ overview }: { overview: StatsOverview }) {
  const { t } = useText()
  const { keys, access_keys: accessKeys, requests, by_group: groups } = overview
  if (requests.last_day.requests > 0 && keys.total > 0) return null
  const standard = groups.filter(({ kind }) => kind === 'standard')
  const filled = standard.find(({ key_counts: counts }) => counts.total > 0)
  const first = filled ?? standard[0]
  const steps: Step[] = [
    {
      title: 'steps.keys',
      text: 'steps.keysText',
      action: first === undefined ? 'groups.create' : 'keys.add',
      href: first === undefined ? '/groups/?create=true' : `${groupHref(first.id)}&add=true`,
      isDone: keys.total > 0,
    },
    {
      title: 'steps.access',
      text: 'steps.accessText',
      action: 'accessKeys.create',
      href: '/access-keys/?create=true',
      isDone: accessKeys.enabled > 0,
    },
    {
      title: 'steps.call',
      text: 'steps.callText',
      action: 'steps.snippet',
      href: first === undefined ? '/groups/' : groupHref(first.id, 'connect'),
      isDone: requests.last_day.requests > 0,
    },
  ]
  const next = steps.findIndex(({ isDone }) => !isDone)
  return (
    <Panel>
      <h2 className="border-b border-line px-4 py-3 text-[15px] font-semibold">{t('steps.title')}</h2>
      <ol>
        {steps.map((step, index) => (
          <li
            key={step.title}
            className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line px-4 py-3 last:border-b-0"
          >
            <StepMark number={index + 1} isDone={step.isDone} isWaiting={index === 2 && next === 2} />
            <div className="min-w-0 flex-1 basis-64">
              <h3 className={step.isDone ? 'text-ink-faint' : 'font-medium'}>{t(step.title)}</h3>
              <p className="text-[13px] text-ink-faint">{t(step.text)}</p>
            </div>
            <PageLink href={step.href} className={buttonStyle(index === next ? 'primary' : 'plain')}>
              {t(step.action)}
            </PageLink>
          </li>
        ))}
      </ol>
    </Panel>
  )
}

function StepMark({ number, isDone, isWaiting }: { number: number; isDone: boolean; isWaiting: boolean }) {
  const { t } = useText()
  if (isWaiting)
    return (
      <span role="status" aria-label={t('connect.waiting')} className="grid size-7 place-items-center">
        <LoaderCircle aria-hidden className="size-5 animate-spin text-accent" />
      </span>
    )
  return (
    <span
      className={`figures grid size-7 place-items-center rounded-full text-[13px] font-medium ${isDone ? 'bg-good-soft text-good' : 'bg-sunken text-ink-soft'}`}
    >
      {isDone ? <Check role="img" aria-label={t('steps.done')} className="size-4" /> : number}
    </span>
  )
}
