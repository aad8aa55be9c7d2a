'use client'

import type { CauseClass } from '@gpt-load/contracts/api/key'
import type { Group } from '@gpt-load/contracts/api/group'
import { errorClasses } from '@gpt-load/contracts/error-class'
import { causeClasses } from '@gpt-load/contracts/key-state'
import { useText } from '../../i18n/locale.tsx'
import { Select } from '../../ui/field.tsx'

export const filterCauses = [...errorClasses, ...causeClasses] as const satisfies readonly CauseClass[]
/** Days without a request. */
export const unusedDays = ['1', '7', '30'] as const
export type UnusedDays = (typeof unusedDays)[number]

/** Why keys are out: the causes that occur, each with how many it keeps out. */
export function CauseFilter(props: {
  keysOut: Group['keys_out']
  chosen: CauseClass | null
  onChange: (cause: CauseClass | null) => void
}) {
  const { t, format } = useText()
  const { keysOut, chosen } = props
  const isAbsent = chosen !== null && !keysOut.some(({ cause }) => cause === chosen)
  const offered = isAbsent ? [...keysOut, { cause: chosen, keys: 0 }] : keysOut
  return (
    <Select
      aria-label={t('keys.filterCause')}
      className="max-w-44"
      value={chosen ?? ''}
      onChange={({ target }) => props.onChange(filterCauses.find((cause) => cause === target.value) ?? null)}
    >
      <option value="">{t('keys.anyCause')}</option>
      {offered.map(({ cause, keys }) => (
        <option key={cause} value={cause}>
          {t(`cause.${cause}`)} ({format.compact(keys)})
        </option>
      ))}
    </Select>
  )
}

export function UseFilter(props: { chosen: UnusedDays | null; onChange: (days: UnusedDays | null) => void }) {
  const { t } = useText()
  return (
    <Select
      aria-label={t('keys.filterUse')}
      className="max-w-40"
      value={props.chosen ?? ''}
      onChange={({ target }) => props.onChange(unusedDays.find((days) => days === target.value) ?? null)}
    >
      <option value="">{t('keys.anyUse')}</option>
      {unusedDays.map((days) => (
        <option key={days} value={days}>
          {t(`keys.unused.${days}`)}
        </option>
      ))}
    </Select>
  )
}
