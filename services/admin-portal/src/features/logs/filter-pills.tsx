'use client'

import { errorClasses } from '@gpt-load/contracts/error-class'
import { Popover } from '@base-ui/react/popover'
import { ListFilterPlus, X } from 'lucide-react'
import { useState } from 'react'
import { useText } from '../../i18n/locale.tsx'
import { Button } from '../../ui/button.tsx'
import { Select, TextInput } from '../../ui/field.tsx'
import { popupStyle } from '../../ui/menu.tsx'
import { isValid, pillFilters, pillNames, type PillName, type PillValues } from './log-filters.ts'

/** Filters that are set, each to be taken off by itself; and a button that adds another. */
export function FilterPills(props: { values: PillValues; onChange: (name: PillName, value: string | null) => void }) {
  const { t } = useText()
  const { values, onChange } = props
  return (
    <>
      <FilterButton onAdd={onChange} />
      {pillNames.map((name) => {
        const value = values[name]
        if (value === null) return null
        return (
          <span
            key={name}
            className="inline-flex h-7 max-w-full items-center gap-1 rounded-full border border-line bg-sunken pl-3 text-[13px]"
          >
            <span className="truncate">
              {t(`filter.${name}`)}:{' '}
              <b className="font-medium">
                <ValueText name={name} value={value} />
              </b>
            </span>
            <button
              type="button"
              aria-label={t('filter.remove', { name: t(`filter.${name}`) })}
              onClick={() => onChange(name, null)}
              className="grid size-7 place-items-center rounded-full text-ink-faint hover:text-ink"
            >
              <X aria-hidden className="size-3.5" />
            </button>
          </span>
        )
      })}
    </>
  )
}

function ValueText({ name, value }: { name: PillName; value: string }): string {
  const { t } = useText()
  const { kind } = pillFilters[name]
  if (kind === 'flag') return t(value === 'true' ? 'common.yes' : 'common.no')
  if (kind === 'cause') {
    const cause = errorClasses.find((each) => each === value)
    return cause === undefined ? value : t(`cause.${cause}`)
  }
  return value
}

/** Folded away: two fields beside the pills would look like a filter that is in force. */
function FilterButton({ onAdd }: { onAdd: (name: PillName, value: string) => void }) {
  const { t } = useText()
  const [isOpen, setIsOpen] = useState(false)
  return (
    <Popover.Root open={isOpen} onOpenChange={setIsOpen}>
      <Popover.Trigger
        render={
          <Button>
            <ListFilterPlus aria-hidden className="size-3.5" />
            {t('filter.add')}
          </Button>
        }
      />
      <Popover.Portal>
        <Popover.Positioner align="start" sideOffset={4} className="z-50 outline-none">
          <Popover.Popup aria-label={t('filter.add')} className={popupStyle}>
            <FilterForm
              onAdd={(name, value) => {
                setIsOpen(false)
                onAdd(name, value)
              }}
            />
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  )
}

function FilterForm({ onAdd }: { onAdd: (name: PillName, value: string) => void }) {
  const { t } = useText()
  const [name, setName] = useState<PillName>('failed')
  const [value, setValue] = useState('true')
  const { kind } = pillFilters[name]
  const choose = (next: PillName) => {
    setName(next)
    setValue(firstValues[pillFilters[next].kind])
  }
  return (
    <form
      className="flex flex-wrap items-center gap-2"
      onSubmit={(event) => {
        event.preventDefault()
        if (isValid(name, value)) onAdd(name, value.trim())
      }}
    >
      <Select
        aria-label={t('filter.kind')}
        className="w-auto!"
        value={name}
        onChange={(event) => choose(pillNames.find((each) => each === event.target.value) ?? 'failed')}
      >
        {pillNames.map((each) => (
          <option key={each} value={each}>
            {t(`filter.${each}`)}
          </option>
        ))}
      </Select>
      {kind === 'flag' || kind === 'cause' ? (
        <Select
          aria-label={t('filter.value')}
          className="w-auto!"
          value={value}
          onChange={(event) => setValue(event.target.value)}
        >
          {kind === 'flag'
            ? (['true', 'false'] as const).map((each) => (
                <option key={each} value={each}>
                  {t(each === 'true' ? 'common.yes' : 'common.no')}
                </option>
              ))
            : errorClasses.map((each) => (
                <option key={each} value={each}>
                  {t(`cause.${each}`)}
                </option>
              ))}
        </Select>
      ) : (
        <TextInput
          aria-label={t('filter.value')}
          inputMode={kind === 'number' ? 'numeric' : 'text'}
          maxLength={200}
          className="w-40!"
          value={value}
          onChange={(event) => setValue(event.target.value)}
        />
      )}
      <Button type="submit" kind="primary" disabled={!isValid(name, value)}>
        {t('filter.apply')}
      </Button>
    </form>
  )
}

const firstValues = { flag: 'true', cause: 'upstream', text: '', number: '' } as const
