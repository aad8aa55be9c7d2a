'use client'

import type { ExplainInput } from '@gpt-load/contracts/api/explain'
import type { Group } from '@gpt-load/contracts/api/group'
import { Route } from 'lucide-react'
import { useState } from 'react'
import { useText } from '../../i18n/locale.tsx'
import { Panel } from '../../ui/page.tsx'
import { EmptyState, ErrorState, SkeletonRows } from '../../ui/states.tsx'
import { ExplainForm } from './explain-form.tsx'
import { ExplanationView } from './explanation-view.tsx'
import { useExplanation } from './use-explanation.ts'

/** A dry run: what an edge would do with a request to this group, without sending anything. */
export function ExplainTab({ group }: { group: Group }) {
  const { t } = useText()
  const [asked, setAsked] = useState<ExplainInput | null>(null)
  const { data, error, isFetching, refetch } = useExplanation(asked)
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[24rem_1fr]">
      <Panel className="p-4">
        <ExplainForm
          group={group}
          isBusy={isFetching}
          onAsk={(input) => {
            if (JSON.stringify(input) === JSON.stringify(asked)) void refetch()
            else setAsked(input)
          }}
        />
      </Panel>
      <Panel>
        {asked === null ? (
          <EmptyState
            icon={<Route aria-hidden className="size-5" />}
            title={t('explain.emptyTitle')}
            text={t('explain.emptyText')}
          />
        ) : isFetching ? (
          <SkeletonRows rows={8} height={44} />
        ) : data === undefined ? (
          <ErrorState error={error} onRetry={() => void refetch()} />
        ) : (
          <div className="p-4">
            <h2 className="sr-only">{t('explain.title')}</h2>
            <ExplanationView explanation={data} />
          </div>
        )}
      </Panel>
    </div>
  )
}
