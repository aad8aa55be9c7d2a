'use client'

import { X } from 'lucide-react'
import { useCallback, useRef } from 'react'
import { useApi } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { Button } from '../../ui/button.tsx'
import { Choice } from '../../ui/choice.tsx'
import { TextInput } from '../../ui/field.tsx'
import { Toolbar } from '../../ui/page.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { rangeNames, type RangeName } from '../analytics/period.ts'
import { useAccessKeys } from '../access-keys/use-access-keys.ts'
import { GroupSelect } from '../groups/group-select.tsx'

/** What an index answers, and the range of time. */
type UrlPart = {
  search: string
  group: number | null
  accessKey: number | null
  status: number | null
  range: RangeName
  from: Date | null
  to: Date | null
}
/** Statuses that are worth a look by themselves. */
const statuses = [200, 400, 401, 403, 404, 429, 499, 500, 502, 503, 504]

export function LogToolbar(props: {
  url: UrlPart
  onChange: (change: Partial<UrlPart>) => void
  onSearch: (value: string) => void
}) {
  const { t } = useText()
  const { url, onChange } = props
  const latest = useRef(props)
  latest.current = props
  const search = useCallback((value: string) => latest.current.onSearch(value), [])
  const groups = useApi('GET /api/v1/groups', { query: { limit: 1_000 } })
  const accessKeys = useAccessKeys()
  return (
    <Toolbar>
      <SearchField label={t('logs.search')} value={url.search} onChange={search} />
      <GroupSelect
        label={t('logs.group')}
        all={t('filter.allGroups')}
        groups={groups.data?.items ?? []}
        value={url.group}
        onChange={(group) => onChange({ group })}
      />
      <GroupSelect
        label={t('logs.accessKey')}
        all={t('filter.allAccessKeys')}
        groups={accessKeys.items}
        value={url.accessKey}
        onChange={(accessKey) => onChange({ accessKey })}
      />
      <StatusField value={url.status} onChange={(status) => onChange({ status })} />
      {url.from === null ? (
        <Choice
          label={t('logs.range')}
          value={url.range}
          options={rangeNames.map((each) => [each, t(`logs.range.${each}`)] as const)}
          onChange={(range) => onChange({ range })}
        />
      ) : (
        <ExactRange from={url.from} to={url.to} onClear={() => onChange({ from: null, to: null })} />
      )}
    </Toolbar>
  )
}

function ExactRange({ from, to, onClear }: { from: Date; to: Date | null; onClear: () => void }) {
  const { t, format } = useText()
  const end = to === null ? '' : format.shortTime(to.toISOString())
  return (
    <Button onClick={onClear} title={t('logs.clearRange')}>
      <span className="figures">
        {format.shortTime(from.toISOString())} – {end}
      </span>
      <X aria-label={t('logs.clearRange')} className="size-3.5" />
    </Button>
  )
}

function StatusField({ value, onChange }: { value: number | null; onChange: (value: number | null) => void }) {
  const { t } = useText()
  return (
    <>
      <TextInput
        key={value ?? 'any'}
        aria-label={t('logs.status')}
        placeholder={t('logs.status')}
        inputMode="numeric"
        maxLength={3}
        list="statuses"
        className="figures w-24!"
        defaultValue={value ?? ''}
        onChange={(event) => {
          const text = event.target.value.trim()
          if (text === '') onChange(null)
          else if (/^[1-9]\d\d$/.test(text)) onChange(Number(text))
        }}
      />
      <datalist id="statuses">
        {statuses.map((status) => (
          <option key={status} value={status} />
        ))}
      </datalist>
    </>
  )
}
