'use client'

import { maxBreakdownItems } from '@gpt-load/contracts/report-bounds'
import { useApi } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { Select } from '../../ui/field.tsx'
import type { Period } from './period.ts'

/** Narrows figures to one model of those that were asked for in the period. */
export function ModelSelect(props: { period: Period; value: string | null; onChange: (model: string | null) => void }) {
  const { t } = useText()
  const { period, value } = props
  const report = useApi('GET /api/v1/stats/breakdown', { query: { ...period, by: 'model', top: maxBreakdownItems } })
  const models = (report.data?.items ?? []).map((item) => String(item.value)).filter((model) => model !== '')
  const offered = value === null || models.includes(value) ? models : [value, ...models]
  return (
    <Select
      aria-label={t('logs.model')}
      className="w-auto! max-w-56"
      value={value ?? ''}
      onChange={({ target }) => props.onChange(target.value === '' ? null : target.value)}
    >
      <option value="">{t('filter.allModels')}</option>
      {offered.map((model) => (
        <option key={model}>{model}</option>
      ))}
    </Select>
  )
}
