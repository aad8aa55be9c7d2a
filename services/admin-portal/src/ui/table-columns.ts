import {
  columnVisibilityFeature,
  metaHelper,
  rowSelectionFeature,
  rowSortingFeature,
  tableFeatures,
  type ColumnDef,
  type RowData,
} from '@tanstack/react-table'
import type { ReactNode } from 'react'

/** What a column of a list is; TanStack Table keeps which are shown, which orders the list, and which rows are chosen. */
export type Column<Row> = {
  id: string
  /** Text: then the column can be hidden, unless it is fixed. */
  header: ReactNode
  /** CSS width; one column without takes what is left. */
  width?: string
  /** Instead of `width` on a narrow screen. */
  narrowWidth?: string
  isNumber?: boolean
  /** Not shown on screens narrower than this. */
  from?: 'sm' | 'md' | 'lg' | 'xl'
  /** Always shown: what the row is about. */
  isFixed?: boolean
  /** Hidden until somebody chooses it. */
  isExtra?: boolean
  /** The server can order by it: largest or newest first only, or either way. */
  order?: 'descending' | 'both'
  cell: (row: Row) => ReactNode
}

export const features = tableFeatures({
  columnVisibilityFeature,
  rowSelectionFeature,
  rowSortingFeature,
  columnMeta: metaHelper<Column<never>>(),
})
export type Features = typeof features

/** Cells are called, not mounted: a list makes its columns anew at each render, and an open menu in a row has to outlive that. */
export function columnDefs<Row extends RowData>(columns: readonly Column<Row>[]): ColumnDef<Features, Row>[] {
  return columns.map((column) => ({
    id: column.id,
    enableHiding: canHide(column),
    enableSorting: column.order !== undefined,
    sortDescFirst: true,
    // TanStack orders by columns with a value only; the server does it here.
    accessorFn: () => null,
    meta: column as Column<never>,
  }))
}

export function canHide<Row>({ header, isFixed = false }: Column<Row>): boolean {
  return typeof header === 'string' && !isFixed
}
