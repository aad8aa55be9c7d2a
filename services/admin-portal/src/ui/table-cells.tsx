import { ArrowDown, ArrowUp } from 'lucide-react'
import type { CSSProperties } from 'react'
import type { Column } from './table-columns.ts'

const hiddenBelow = { sm: 'max-sm:hidden', md: 'max-md:hidden', lg: 'max-lg:hidden', xl: 'max-xl:hidden' } as const

/** Which way a click would order the list is told by the arrow of the present order. */
export function HeadCell<Row>(props: {
  column: Column<Row>
  sorted?: false | 'asc' | 'desc'
  onSort?: ((isDescending: boolean) => void) | null
}) {
  const { column, sorted = false, onSort = null } = props
  const { header, width = 'auto', narrowWidth = width, isNumber, from, order } = column
  const Arrow = sorted === 'asc' ? ArrowUp : ArrowDown
  return (
    <th
      style={{ '--width': width, '--narrow-width': narrowWidth } as CSSProperties}
      scope="col"
      {...(sorted === false ? {} : { 'aria-sort': sorted === 'asc' ? 'ascending' : 'descending' })}
      className={`h-9 w-(--width) border-b border-line bg-sunken px-3 text-xs font-medium whitespace-nowrap text-ink-faint max-sm:w-(--narrow-width) first:pl-4 last:pr-4 ${isNumber === true ? 'text-right' : 'text-left'} ${from === undefined ? '' : hiddenBelow[from]}`}
    >
      {onSort === null ? (
        header
      ) : (
        <button
          type="button"
          onClick={() => onSort(order === 'descending' || sorted !== 'desc')}
          className={`group/sort inline-flex items-center gap-1 rounded-sm hover:text-ink ${isNumber === true ? 'flex-row-reverse' : ''} ${sorted === false ? '' : 'text-ink'}`}
        >
          {header}
          <Arrow
            aria-hidden
            className={`size-3 ${sorted === false ? 'opacity-0 group-hover/sort:opacity-60 group-focus-visible/sort:opacity-60' : ''}`}
          />
        </button>
      )}
    </th>
  )
}

export function BodyCell<Row>({ column, row, height }: { column: Column<Row>; row: Row; height: number }) {
  const { cell, isNumber, from } = column
  return (
    <td
      style={{ height }}
      className={`overflow-hidden border-b border-line px-3 text-ellipsis whitespace-nowrap group-last:border-b-0 first:pl-4 last:pr-4 ${isNumber === true ? 'figures text-right' : ''} ${from === undefined ? '' : hiddenBelow[from]}`}
    >
      {cell(row)}
    </td>
  )
}
