'use client'

import type { LogCounts } from '@gpt-load/contracts/api/log-account'
import { useApi } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { StateMark } from '../../ui/badge.tsx'
import { DateTime } from '../../ui/moment.tsx'
import { Facts, Panel } from '../../ui/page.tsx'
import { ErrorState, SkeletonRows } from '../../ui/states.tsx'

const places = ['committed', 'sampled_out', 'in_flight', 'spooled', 'dead_lettered', 'dropped', 'missing'] as const

/** Whether every request that was served has its record: the log invariant over the edges of the last week. */
export function LogAccount() {
  const { t } = useText()
  const query = useApi('GET /api/v1/logs/reconcile', {}, { refreshMs: 15_000 })
  return (
    <section>
      <h2 className="mb-2 text-[15px] font-semibold">{t('system.records')}</h2>
      <Panel className="p-4">
        {query.data !== undefined ? (
          <Account counts={query.data} caughtUpAt={query.data.caught_up_at} />
        ) : query.error === null ? (
          <SkeletonRows rows={3} height={24} />
        ) : (
          <ErrorState error={query.error} onRetry={() => void query.refetch()} />
        )}
      </Panel>
    </section>
  )
}

function Account({ counts, caughtUpAt }: { counts: LogCounts; caughtUpAt: string | null }) {
  const { t, format } = useText()
  const lost = counts.missing + counts.dropped + counts.dead_lettered
  return (
    <div className="grid grid-cols-1 gap-3">
      <StateMark tone={lost > 0 ? 'bad' : counts.unknown_at_most > 0 ? 'warn' : 'good'}>
        {lost > 0
          ? t('system.recordsLost', { count: format.number(lost) })
          : counts.unknown_at_most > 0
            ? t('system.recordsUnknown', { count: format.number(counts.unknown_at_most) })
            : t('system.recordsWhole')}
      </StateMark>
      <Facts
        items={[
          [t('system.records.served'), format.number(counts.served)],
          ...places
            .filter((place) => place === 'committed' || counts[place] > 0)
            .map((place) => [t(`system.records.${place}`), format.number(counts[place])] as const),
          [
            t('system.recordsStored'),
            caughtUpAt === null ? t('system.recordsWaiting') : <DateTime key="stored" at={caughtUpAt} />,
          ],
        ]}
      />
    </div>
  )
}
