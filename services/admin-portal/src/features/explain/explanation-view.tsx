'use client'

import type { Explanation } from '@gpt-load/contracts/explanation'
import { useText } from '../../i18n/locale.tsx'
import { StateMark } from '../../ui/badge.tsx'
import { DrawerSection } from '../../ui/drawer.tsx'
import { Facts } from '../../ui/page.tsx'
import { Candidate } from './candidate.tsx'
import { FirstAttempt, Ladder } from './attempts-ahead.tsx'

/** From the verdict to the last retry, in the order in which an edge decides. */
export function ExplanationView({ explanation }: { explanation: Explanation }) {
  const { t } = useText()
  const { candidates, attempt, ladders } = explanation
  return (
    <>
      <Verdict explanation={explanation} />
      {candidates.length > 0 && (
        <DrawerSection title={t('explain.candidates')}>
          <div className="grid gap-3">
            {candidates.map((candidate) => (
              <Candidate key={candidate.group} candidate={candidate} />
            ))}
          </div>
        </DrawerSection>
      )}
      {attempt !== null && (
        <DrawerSection title={t('explain.attempt')}>
          <FirstAttempt attempt={attempt} />
        </DrawerSection>
      )}
      {ladders.length > 0 && (
        <DrawerSection title={t('explain.ladder')}>
          <p className="mb-2 text-[13px] text-ink-faint">{t('explain.ladderAbout')}</p>
          <div className="grid gap-px overflow-hidden rounded-md border border-line bg-line">
            {ladders.map((ladder) => (
              <Ladder key={ladder.on_status} ladder={ladder} />
            ))}
          </div>
        </DrawerSection>
      )}
    </>
  )
}

function Verdict({ explanation }: { explanation: Explanation }) {
  const { t, format } = useText()
  const { refusal, access_key: key, group, model, is_stream: isStream, key_choice: choice } = explanation
  return (
    <section aria-label={t('explain.verdict')}>
      <p className="mb-3 text-base font-semibold">
        {refusal === null ? (
          <StateMark tone="good">{t('explain.tried')}</StateMark>
        ) : (
          <StateMark tone="bad">{t('explain.refused', { status: refusal.status, code: refusal.code })}</StateMark>
        )}
      </p>
      <Facts
        items={[
          ...(refusal === null || refusal.retry_after_s === 0
            ? []
            : [[t('explain.retryAfter'), format.countdown(refusal.retry_after_s * 1_000)] as const]),
          [t('logs.accessKey'), key === null ? t('explain.anyKey') : key.name],
          [t('logs.group'), group || '–'],
          [t('logs.model'), model || t('explain.noModel')],
          [t('explain.isStream'), t(isStream ? 'common.yes' : 'common.no')],
          [t('explain.choice'), t(`explain.choice.${choice}`)],
          [
            t('explain.toldBy'),
            t('explain.edgeAt', { edge: explanation.edge, revision: format.number(explanation.revision) }),
          ],
        ]}
      />
    </section>
  )
}
