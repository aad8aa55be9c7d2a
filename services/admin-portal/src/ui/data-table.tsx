'use client'

import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useRef, type ReactNode } from 'react'
import { ErrorState, SkeletonRows } from './states.tsx'

/**
 * Every list of the portal. A real table, so that screen readers know rows and columns; only what is in sight is in the document, so that
 * a hundred thousand rows cost as much as thirty. Searching, sorting and paging are the server's.
 */
export type Column<Row> = {
  id: string
  header: ReactNode
  /** CSS width; one column without takes what is left. */
  width?: string
  isNumber?: boolean
  /** Not shown on screens narrower than this. */
  from?: 'sm' | 'md' | 'lg'
  cell: (row: Row) => ReactNode
}

export type DataTableProps<Row> = {
  label: string
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
  empty: ReactNode
}

/** Rows from the end at which the next page is asked for. */
const prefetchRows = 40
const hiddenBelow = { sm: 'max-sm:hidden', md: 'max-md:hidden', lg: 'max-lg:hidden' } as const

export function DataTable<Row>(props: DataTableProps<Row>) {
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
  return <Rows {...props} />
}

function Frame({ children }: { children: ReactNode }) {
  return <div className="overflow-hidden rounded-lg border border-line bg-surface">{children}</div>
}

function Rows<Row>(props: DataTableProps<Row>) {
  const {
    columns,
    rows,
    rowHeight = 44,
    rowKey,
    total = rows.length,
    hasMore = false,
    isLoadingMore = false,
    onMore,
  } = props
  const scroller = useRef<HTMLDivElement>(null)
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 16,
  })
  const visible = virtualizer.getVirtualItems()
  const last = visible.at(-1)?.index ?? 0
  useEffect(() => {
    if (hasMore && !isLoadingMore && last >= rows.length - prefetchRows) onMore?.()
  }, [hasMore, isLoadingMore, last, rows.length, onMore])
  const before = visible[0]?.start ?? 0
  const after = virtualizer.getTotalSize() - (visible.at(-1)?.end ?? 0)
  return (
    <div
      ref={scroller}
      role="region"
      aria-label={props.label}
      tabIndex={0}
      className="quiet-scroll max-h-[max(20rem,calc(100vh-14rem))] overflow-auto rounded-lg border border-line bg-surface"
    >
      <table className="w-full table-fixed border-separate border-spacing-0" aria-rowcount={total + 1}>
        <thead className="sticky top-0 z-10">
          <tr>
            {columns.map(({ id, header, width, isNumber, from }) => (
              <th
                key={id}
                style={width === undefined ? {} : { width }}
                scope="col"
                className={`h-9 border-b border-line bg-sunken px-3 text-xs font-medium whitespace-nowrap text-ink-faint first:pl-4 last:pr-4 ${isNumber === true ? 'text-right' : 'text-left'} ${from === undefined ? '' : hiddenBelow[from]}`}
              >
                {header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <Spacer height={before} />
          {visible.map(({ index }) => {
            const row = rows[index] as Row
            return (
              <tr
                key={rowKey(row)}
                aria-rowindex={index + 2}
                data-marked={props.isMarked?.(row) === true || undefined}
                className="group hover:bg-sunken data-marked:bg-accent-soft"
              >
                {columns.map(({ id, cell, isNumber, from }) => (
                  <td
                    key={id}
                    style={{ height: rowHeight }}
                    className={`overflow-hidden border-b border-line px-3 text-ellipsis whitespace-nowrap group-last:border-b-0 first:pl-4 last:pr-4 ${isNumber === true ? 'figures text-right' : ''} ${from === undefined ? '' : hiddenBelow[from]}`}
                  >
                    {cell(row)}
                  </td>
                ))}
              </tr>
            )
          })}
          <Spacer height={after} />
        </tbody>
      </table>
    </div>
  )
}

/** One cell: spanning all columns would bring back those that are hidden on a narrow screen. */
function Spacer({ height }: { height: number }) {
  if (height <= 0) return null
  return (
    <tr aria-hidden>
      <td style={{ height }} className="p-0" />
    </tr>
  )
}
