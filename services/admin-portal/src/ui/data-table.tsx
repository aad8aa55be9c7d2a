'use client'

import type { RowData } from '@tanstack/react-table'
import dynamic from 'next/dynamic'
import { useMemo, type ReactNode } from 'react'
import { Toolbar } from './page.tsx'
import { ErrorState, SkeletonRows } from './states.tsx'
import { canHide, type Column } from './table-columns.ts'
import { TableRows, type TableSelection, type TableSort } from './table-rows.tsx'
import { useColumnVisibility } from './use-column-visibility.ts'

const ColumnsMenu = dynamic(async () => (await import('./columns-menu.tsx')).ColumnsMenu, { ssr: false })

/** Every list of the portal: TanStack Table for its columns, order and choice, TanStack Virtual for its rows; the rest is the server's. */
export type DataTableProps<Row> = {
  label: string
  /** Under which the choice of columns is kept; without one all columns are shown and there is no menu. */
  name?: string
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  rowKey: (row: Row) => string | number
  rowHeight?: 44 | 52
  /** Of the whole list when it is known. */
  total?: number
  isLoading: boolean
  error: unknown
  onRetry: () => void
  hasMore?: boolean
  isLoadingMore?: boolean
  onMore?: () => void
  isMarked?: (row: Row) => boolean
  sort?: TableSort
  selection?: TableSelection<Row>
  /** Search and filters. */
  toolbar?: ReactNode
  /** What is done with the list as a whole; stands at the end, beside the menu of columns. */
  action?: ReactNode
  empty: ReactNode
}

export function DataTable<Row extends RowData>(props: DataTableProps<Row>) {
  const { name, columns, toolbar, action } = props
  const { visibility, onChange, reset } = useColumnVisibility(name, columns)
  const choices = useMemo(
    () =>
      columns
        .filter(canHide)
        .map(({ id, header }) => ({ id, name: String(header), isShown: visibility[id] !== false })),
    [columns, visibility],
  )
  return (
    <>
      {(toolbar !== undefined || name !== undefined) && (
        <Toolbar>
          {toolbar}
          {/* As tall as the button that is loaded into it. */}
          <span className="ml-auto flex min-h-8 gap-2">
            {name !== undefined && (
              <ColumnsMenu
                columns={choices}
                onToggle={(id, isShown) => onChange((before) => ({ ...before, [id]: isShown }))}
                onReset={reset}
              />
            )}
            {action}
          </span>
        </Toolbar>
      )}
      <Body {...props} visibility={visibility} />
    </>
  )
}

function Body<Row extends RowData>(props: DataTableProps<Row> & { visibility: Record<string, boolean> }) {
  const { rows, rowHeight = 44, isLoading, error } = props
  if (isLoading)
    return (
      <Frame>
        <SkeletonRows rows={8} height={rowHeight} />
      </Frame>
    )
  if (error !== null && rows.length === 0)
    return (
      <Frame>
        <ErrorState error={error} onRetry={props.onRetry} />
      </Frame>
    )
  if (rows.length === 0) return <Frame>{props.empty}</Frame>
  return <TableRows {...props} />
}

function Frame({ children }: { children: ReactNode }) {
  return <div className="overflow-hidden rounded-lg border border-line bg-surface">{children}</div>
}
