'use client'

import { formatQuery } from '@gpt-load/api-client/format-target'
import { Download } from 'lucide-react'
import { parseAsStringLiteral, useQueryStates } from 'nuqs'
import { useApi } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { buttonStyle } from '../../ui/button.tsx'
import { Choice } from '../../ui/choice.tsx'
import { PageHeader, Toolbar } from '../../ui/page.tsx'
import { CompareToggle } from '../analytics/compare-toggle.tsx'
import { ModelSelect } from '../analytics/model-select.tsx'
import { PeriodFigures } from '../analytics/period-figures.tsx'
import { rangeNames, rangeState, scopeQuery, scopeState, usePeriod } from '../analytics/period.ts'
import { useAccessKeys } from '../access-keys/use-access-keys.ts'
import { GroupSelect } from '../groups/group-select.tsx'
import { KeyLeaderboard } from './key-leaderboard.tsx'
import { usageDimensions, usageOrders, UsageTable } from './usage-table.tsx'

const subjects = [...usageDimensions, 'key'] as const
const urlState = {
  ...rangeState,
  ...scopeState,
  by: parseAsStringLiteral(subjects).withDefault('access_key'),
  order: parseAsStringLiteral(usageOrders).withDefault('requests'),
}

/** Who and what uses how much, and what it costs. */
export function UsagePage() {
  const { t } = useText()
  const [url, setUrl] = useQueryStates(urlState, { history: 'replace' })
  const { range, by, order, compare, group } = url
  const period = usePeriod(range)
  const groups = useApi('GET /api/v1/groups', { query: { limit: 1_000 } })
  const accessKeys = useAccessKeys()
  const shared = {
    period,
    order,
    onOrder: (next: typeof order | null) => void setUrl({ order: next }),
    toolbar: (
      <Choice
        label={t('usage.by')}
        value={by}
        options={subjects.map((each) => [each, t(`usage.by.${each}`)] as const)}
        onChange={(value) => void setUrl({ by: value })}
      />
    ),
  }
  return (
    <>
      <PageHeader
        title={t('nav.usage')}
        description={t('usage.about')}
        actions={
          by !== 'key' && (
            <a
              href={`/api/v1/stats/export.csv${formatQuery({ ...period, ...scopeQuery(url), by })}`}
              download
              className={buttonStyle()}
            >
              <Download aria-hidden className="size-3.5" />
              {t('usage.export')}
            </a>
          )
        }
      />
      <Toolbar>
        <Choice
          label={t('chart.range')}
          value={range}
          options={rangeNames.map((each) => [each, t(`logs.range.${each}`)] as const)}
          onChange={(value) => void setUrl({ range: value })}
        />
        <GroupSelect
          label={t('logs.group')}
          all={t('filter.allGroups')}
          groups={groups.data?.items ?? []}
          value={group}
          onChange={(id) => void setUrl({ group: id })}
        />
        <GroupSelect
          label={t('logs.accessKey')}
          all={t('filter.allAccessKeys')}
          groups={accessKeys.items}
          value={url.accessKey}
          onChange={(id) => void setUrl({ accessKey: id })}
        />
        <ModelSelect period={period} value={url.model} onChange={(model) => void setUrl({ model })} />
        <CompareToggle isOn={compare} onChange={(isOn) => void setUrl({ compare: isOn })} />
      </Toolbar>
      <PeriodFigures period={period} scope={url} isCompared={compare} />
      {by === 'key' ? (
        <KeyLeaderboard {...shared} group={group} />
      ) : (
        <UsageTable {...shared} by={by} scope={url} isCompared={compare} />
      )}
    </>
  )
}
