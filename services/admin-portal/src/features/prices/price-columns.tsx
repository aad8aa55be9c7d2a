'use client'

import { Trash2 } from 'lucide-react'
import { useText } from '../../i18n/locale.tsx'
import { StateMark, Tag, type Tone } from '../../ui/badge.tsx'
import { IconButton } from '../../ui/button.tsx'
import type { Column } from '../../ui/table-columns.ts'
import type { PriceUse, UsedPrice } from './price-use.ts'

const toneOfUse: Readonly<Record<PriceUse, Tone>> = { in_force: 'good', later: 'warn', past: 'idle', replaced: 'idle' }

export function usePriceColumns(asOf: string, onDelete: (price: UsedPrice) => void): Column<UsedPrice>[] {
  const { t, format } = useText()
  const amount = (id: 'input' | 'cached' | 'output', from?: 'sm'): Column<UsedPrice> => ({
    id,
    header: t(`prices.${id}`),
    width: id === 'cached' ? '104px' : '78px',
    isNumber: true,
    ...(from === undefined ? {} : { from }),
    cell: ({ [id]: value }) =>
      value === null ? <span className="text-ink-faint">{t('prices.asInput')}</span> : format.price(value),
  })
  return [
    {
      id: 'model',
      header: t('prices.model'),
      isFixed: true,
      cell: ({ model, provider, effective_from: day }) => (
        <span className="block leading-tight">
          <span className="block truncate font-mono text-[13px]" title={model}>
            {model}
          </span>
          <span className="block truncate text-xs text-ink-faint">
            {provider}
            <span className="sm:hidden"> · {day}</span>
          </span>
        </span>
      ),
    },
    {
      id: 'from',
      header: t('prices.from'),
      width: '116px',
      from: 'sm',
      cell: ({ effective_from: day }) => (
        <time dateTime={day} className="figures">
          {day}
        </time>
      ),
    },
    amount('input'),
    amount('cached', 'sm'),
    amount('output'),
    {
      id: 'use',
      header: t('prices.use'),
      width: '190px',
      from: 'md',
      cell: ({ use }) => <StateMark tone={toneOfUse[use]}>{t(`prices.use.${use}`)}</StateMark>,
    },
    {
      id: 'origin',
      header: t('prices.origin'),
      width: '170px',
      from: 'lg',
      cell: ({ id }) => (id === null ? <Tag>{t('prices.shipped', { date: asOf })}</Tag> : <Tag>{t('prices.own')}</Tag>),
    },
    {
      id: 'actions',
      header: <span className="sr-only">{t('common.actions')}</span>,
      width: '48px',
      cell: (price) =>
        price.id !== null && (
          <IconButton
            label={t('prices.deleteOf', { model: price.model, from: price.effective_from })}
            onClick={() => onDelete(price)}
          >
            <Trash2 aria-hidden className="size-4" />
          </IconButton>
        ),
    },
  ]
}
