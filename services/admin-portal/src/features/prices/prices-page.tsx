'use client'

import { priceProviders } from '@gpt-load/contracts/model-prices'
import { CircleDollarSign, Plus } from 'lucide-react'
import dynamic from 'next/dynamic'
import { parseAsBoolean, parseAsString, parseAsStringLiteral, useQueryStates } from 'nuqs'
import { useCallback, useMemo, useState } from 'react'
import { toast } from 'sonner'
import { api, useApi, useChange } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { Button } from '../../ui/button.tsx'
import { Choice } from '../../ui/choice.tsx'
import { ConfirmByName } from '../../ui/confirm-by-name.tsx'
import { DataTable } from '../../ui/data-table.tsx'
import { NothingFound } from '../../ui/nothing-found.tsx'
import { PageHeader } from '../../ui/page.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { describeError, EmptyState } from '../../ui/states.tsx'
import { usePriceColumns } from './price-columns.tsx'
import { usesOf, type UsedPrice } from './price-use.ts'

const PriceForm = dynamic(async () => (await import('./price-form.tsx')).PriceForm, { ssr: false })

const origins = ['all', 'own', 'shipped'] as const
const filters = {
  search: parseAsString.withDefault(''),
  provider: parseAsStringLiteral(['', ...priceProviders]).withDefault(''),
  origin: parseAsStringLiteral(origins).withDefault('all'),
  create: parseAsBoolean.withDefault(false),
}

/** What tokens cost, from which day on. They are a few hundred and come in one answer: searching is done here. */
export function PricesPage() {
  const { t } = useText()
  const [{ search, provider, origin, create }, setUrl] = useQueryStates(filters, { history: 'push' })
  const query = useApi('GET /api/v1/prices', {})
  const [deleting, setDeleting] = useState<UsedPrice | null>(null)
  const remove = useChange(({ id }: UsedPrice) => api('DELETE /api/v1/prices/{id}', { params: { id: id ?? 0 } }), {
    onDone: (_, { model }) => {
      setDeleting(null)
      toast.success(t('prices.deleted', { model }))
    },
    onFailed: (error) => toast.error(describeError(error, t)),
  })
  const shipped = query.data?.shipped
  const columns = usePriceColumns(shipped?.as_of ?? '', setDeleting)
  const setSearch = useCallback((value: string) => void setUrl({ search: value }, { history: 'replace' }), [setUrl])
  const items = useMemo(
    () => usesOf(query.data?.items ?? [], new Date().toISOString().slice(0, 10)),
    [query.data?.items],
  )
  const rows = items.filter(
    (price) =>
      price.model.includes(search.trim().toLowerCase()) &&
      (provider === '' || price.provider === provider) &&
      (origin === 'all' || (price.id === null) === (origin === 'shipped')),
  )
  const addButton = (
    <Button kind="primary" onClick={() => void setUrl({ create: true })}>
      <Plus aria-hidden className="size-4" />
      {t('prices.add')}
    </Button>
  )
  return (
    <>
      <PageHeader title={t('nav.prices')} description={t('prices.about')} actions={addButton} />
      <DataTable
        label={t('nav.prices')}
        name="prices"
        toolbar={
          <>
            <SearchField label={t('prices.search')} value={search} onChange={setSearch} />
            <Choice
              label={t('prices.provider')}
              value={provider}
              options={[['', t('prices.allProviders')], ...priceProviders.map((each) => [each, each] as const)]}
              onChange={(value) => void setUrl({ provider: value })}
            />
            <Choice
              label={t('prices.origin')}
              value={origin}
              options={origins.map((each) => [each, t(`prices.origin.${each}`)] as const)}
              onChange={(value) => void setUrl({ origin: value })}
            />
          </>
        }
        columns={columns}
        rows={rows}
        rowKey={({ id, provider: of, model, effective_from: from }) => id ?? `${of} ${model} ${from}`}
        rowHeight={52}
        isLoading={query.isPending}
        error={query.error}
        onRetry={() => void query.refetch()}
        empty={
          origin === 'own' && search === '' && provider === '' ? (
            <EmptyState
              icon={<CircleDollarSign aria-hidden className="size-5" />}
              title={t('prices.emptyTitle')}
              text={t('prices.emptyText')}
              action={addButton}
            />
          ) : (
            <NothingFound onClear={() => void setUrl({ search: '', provider: '', origin: 'all' })} />
          )
        }
      />
      {shipped !== undefined && <Sources asOf={shipped.as_of} sources={shipped.sources} />}
      {create && <PriceForm onClose={() => void setUrl({ create: null })} />}
      {deleting !== null && (
        <ConfirmByName
          title={t('prices.delete')}
          description={t('prices.deleteText', { from: deleting.effective_from })}
          name={deleting.model}
          action={t('prices.delete')}
          isBusy={remove.isPending}
          onConfirm={() => remove.mutate(deleting)}
          onClose={() => setDeleting(null)}
        />
      )}
    </>
  )
}

function Sources({ asOf, sources }: { asOf: string; sources: readonly string[] }) {
  const { t } = useText()
  return (
    <p className="mt-3 text-[13px] text-ink-faint">
      {t('prices.sources', { date: asOf })}{' '}
      {sources.map((source) => (
        <a
          key={source}
          href={source}
          target="_blank"
          rel="noreferrer"
          className="mr-3 inline-block text-accent underline underline-offset-2"
        >
          {new URL(source).host}
        </a>
      ))}
    </p>
  )
}
