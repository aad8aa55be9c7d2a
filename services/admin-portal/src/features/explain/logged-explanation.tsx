'use client'

import { ArrowLeft } from 'lucide-react'
import { useText } from '../../i18n/locale.tsx'
import { Button } from '../../ui/button.tsx'
import { ErrorState, SkeletonRows } from '../../ui/states.tsx'
import { ExplanationView } from './explanation-view.tsx'
import { useExplanation } from './use-explanation.ts'

/** What would happen to a logged request if it came now. */
export function LoggedExplanation({ requestId, onBack }: { requestId: string; onBack: () => void }) {
  const { t } = useText()
  const { data, error, isFetching, refetch } = useExplanation({ request_id: requestId })
  return (
    <>
      <Button kind="quiet" size="small" className="mb-2 -ml-2" onClick={onBack}>
        <ArrowLeft aria-hidden className="size-3.5" />
        {t('explain.back')}
      </Button>
      <p className="mb-4 rounded-md bg-sunken px-3 py-2 text-[13px]">{t('explain.ifNow')}</p>
      {isFetching ? (
        <SkeletonRows rows={8} height={44} />
      ) : data === undefined ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : (
        <ExplanationView explanation={data} />
      )}
    </>
  )
}
