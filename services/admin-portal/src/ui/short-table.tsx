import type { ReactNode } from 'react'
import { BodyCell, HeadCell } from './table-cells.tsx'
import type { Column } from './table-columns.ts'

/** A few rows of a longer list, as it would show them: nothing to choose, to order, or to scroll, so that the first page needs no more. */
export function ShortTable<Row>(props: {
  label: string
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  rowKey: (row: Row) => string | number
}): ReactNode {
  const columns = props.columns.filter(({ isExtra }) => isExtra !== true)
  return (
    <div role="region" aria-label={props.label} className="overflow-hidden rounded-lg border border-line bg-surface">
      <table className="w-full table-fixed border-separate border-spacing-0">
        <thead>
          <tr>
            {columns.map((column) => (
              <HeadCell key={column.id} column={column} />
            ))}
          </tr>
        </thead>
        <tbody>
          {props.rows.map((row) => (
            <tr key={props.rowKey(row)} className="group hover:bg-sunken">
              {columns.map((column) => (
                <BodyCell key={column.id} column={column} row={row} height={44} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
