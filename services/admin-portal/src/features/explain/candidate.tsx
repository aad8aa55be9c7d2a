import type { Explanation } from '@gpt-load/contracts/explanation'
import { useText } from '../../i18n/locale.tsx'
import { StateMark, Tag, type Tone } from '../../ui/badge.tsx'

type CandidateOf = Explanation['candidates'][number]
type Upstream = CandidateOf['upstreams'][number]

/** One group: how many of its keys may be taken, and why the others may not. */
export function Candidate({ candidate }: { candidate: CandidateOf }) {
  const { t, format } = useText()
  const { group, is_enabled: isEnabled, offers_model: offersModel, keys, active, suspect, out, surveyed } = candidate
  const counts: (readonly [name: string, keys: number, tone: Tone])[] = [
    [t('explain.usable'), active, active > 0 ? 'good' : 'bad'],
    ...(suspect > 0 ? [[t('explain.suspect'), suspect, 'warn'] as const] : []),
    ...out.map(({ reason, keys: count }) => [t(`explain.out.${reason}`), count, 'idle'] as const),
  ]
  return (
    <section aria-label={group} className="rounded-md border border-line px-3 py-2.5">
      <h4 className="flex flex-wrap items-center gap-2 font-medium">
        <span className="font-mono text-[13px]">{group}</span>
        {!isEnabled && <Tag>{t('groups.isOff')}</Tag>}
        {!offersModel && <Tag>{t('explain.lacksModel')}</Tag>}
        <span className="figures ml-auto text-[13px] font-normal text-ink-faint">
          {t('explain.ofKeys', { count: format.number(keys) })}
        </span>
      </h4>
      {candidate.model_sent !== '' && (
        <p className="mt-0.5 text-[13px] text-ink-faint">{t('explain.modelSent', { model: candidate.model_sent })}</p>
      )}
      <dl className="mt-2 grid gap-1">
        {counts.map(([name, count, tone]) => (
          <div key={name} className="flex justify-between gap-3">
            <dt>
              <StateMark tone={tone}>{name}</StateMark>
            </dt>
            <dd className="figures">{format.number(count)}</dd>
          </div>
        ))}
      </dl>
      {surveyed < active + suspect && (
        <p className="mt-1 text-[13px] text-ink-faint">{t('explain.surveyed', { count: format.number(surveyed) })}</p>
      )}
      <ul className="mt-2 grid gap-1 border-t border-line pt-2">
        {candidate.upstreams.map((upstream) => (
          <UpstreamRow key={upstream.upstream} upstream={upstream} />
        ))}
      </ul>
    </section>
  )
}

const toneOfCircuit = { closed: 'good', half_open: 'warn', open: 'bad' } as const

function UpstreamRow({ upstream: { upstream, weight, circuit, retry_in_ms: retryInMs } }: { upstream: Upstream }) {
  const { t, format } = useText()
  return (
    <li className="flex flex-wrap items-center gap-x-3 text-[13px]">
      <span className="min-w-0 flex-1 truncate font-mono" title={upstream}>
        {upstream}
      </span>
      <span className="figures text-ink-faint">{t('explain.weight', { weight: format.number(weight) })}</span>
      <StateMark tone={toneOfCircuit[circuit]}>
        {t(`explain.circuit.${circuit}`)}
        {retryInMs > 0 && <span className="figures">{format.countdown(retryInMs)}</span>}
      </StateMark>
    </li>
  )
}
