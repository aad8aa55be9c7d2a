import type { Explanation } from '@gpt-load/contracts/explanation'
import { ChevronRight } from 'lucide-react'
import { useText } from '../../i18n/locale.tsx'
import { StateMark, Tag } from '../../ui/badge.tsx'
import { Facts } from '../../ui/page.tsx'

type Attempt = NonNullable<Explanation['attempt']>
type LadderOf = Explanation['ladders'][number]
type Step = LadderOf['steps'][number]

/** What would go out first, as the upstream would get it. */
export function FirstAttempt({ attempt }: { attempt: Attempt }) {
  const { t } = useText()
  return (
    <div className="grid gap-3">
      <Facts
        items={[
          [
            t('logs.key'),
            <span key="key" className="font-mono text-[13px]">
              {attempt.key_hint} #{attempt.key_id}
            </span>,
          ],
          [t('logs.upstream'), attempt.upstream],
          [t('logs.model'), attempt.model || '–'],
          [t('explain.body'), t(attempt.is_body_rewritten ? 'explain.bodyRewritten' : 'explain.bodyAsItCame')],
        ]}
      />
      {attempt.is_trial && <Tag>{t('explain.trial')}</Tag>}
      <pre
        tabIndex={0}
        aria-label={t('explain.headers')}
        className="quiet-scroll overflow-x-auto rounded-md bg-sunken p-3 font-mono text-[12.5px] leading-5"
      >
        {[`${attempt.method} ${attempt.url}`, ...attempt.headers.map(([name, value]) => `${name}: ${value}`)].join(
          '\n',
        )}
      </pre>
    </div>
  )
}

/** All attempts if every upstream answered like this. */
export function Ladder({ ladder: { on_status: status, is_retried: isRetried, steps } }: { ladder: LadderOf }) {
  const { t, format } = useText()
  return (
    <details className="group/ladder bg-surface">
      <summary className="flex items-center gap-3 px-3 py-2 hover:bg-sunken">
        <ChevronRight aria-hidden className="size-3.5 text-ink-faint group-open/ladder:rotate-90" />
        <StateMark tone={status < 500 ? 'warn' : 'bad'}>
          <span className="figures">{status}</span>
        </StateMark>
        <span className="text-[13px]">
          {isRetried ? t('explain.retried', { count: format.number(steps.length) }) : t('explain.notRetried')}
        </span>
      </summary>
      <ol className="grid gap-1 px-3 pb-2.5 pl-9.5">
        {steps.map((step, index) => (
          <StepRow key={index} number={index + 1} step={step} />
        ))}
      </ol>
    </details>
  )
}

function StepRow({ number, step }: { number: number; step: Step }) {
  const { t, format } = useText()
  return (
    <li className="flex flex-wrap items-center gap-x-3 text-[13px]">
      <span className="figures text-ink-faint">{number}</span>
      <span className="font-mono">
        {step.key_hint} #{step.key_id}
      </span>
      <span className="text-ink-faint">{step.group}</span>
      <span className="min-w-0 truncate text-ink-faint">{step.upstream}</span>
      {step.is_trial && <Tag>{t('explain.trial')}</Tag>}
      {step.wait_ms > 0 && (
        <span className="figures ml-auto text-ink-faint">
          {t('explain.wait', { time: format.milliseconds(step.wait_ms) })}
        </span>
      )}
    </li>
  )
}
