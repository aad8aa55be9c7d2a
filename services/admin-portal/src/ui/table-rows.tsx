'use client'

import { functionalUpdate, useTable, type RowData, type RowSelectionState, type Updater } from '@tanstack/react-table'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useMemo, useRef, type ReactNode } from 'react'
import type { DataTableProps } from './data-table.tsx'
import { BodyCell, HeadCell } from './table-cells.tsx'
import { columnDefs, features, type Column } from './table-columns.ts'
import { Tick } from './toggle.tsx'

/** Order of the list by one column; the server sorts. */
export type TableSort = { by: string; isDescending: boolean; onChange: (by: string, isDescending: boolean) => void }

/** Chosen rows by their keys, also those that are not in sight. */
export type TableSelection<Row> = {
  chosen: RowSelectionState
  onChange: (chosen: RowSelectionState) => void
  label: (row: Row) => string
  labelOfAll: string
}

/** Rows from the end at which the next page is asked for. */
const prefetchRows = 40

/**
 * A real table, so that screen readers know rows and columns. Only what is in sight is in the document, and only that is given to
 * TanStack Table: a hundred thousand rows cost as much as thirty.
 */
export function TableRows<Row extends RowData>(props: DataTableProps<Row> & { visibility: Record<string, boolean> }) {
  const { rows, rowHeight = 44, rowKey, hasMore = false, isLoadingMore = false, onMore, sort, selection } = props
  const scroller = useRef<HTMLDivElement>(null)
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 16,
  })
  const inSight = virtualizer.getVirtualItems()
  const [first, last] = [inSight[0]?.index ?? 0, inSight.at(-1)?.index ?? -1]
  useEffect(() => {
    if (hasMore && !isLoadingMore && last >= rows.length - prefetchRows) onMore?.()
  }, [hasMore, isLoadingMore, last, rows.length, onMore])
  const tickColumn = useTickColumn(props)
  const columns = useMemo(
    () => columnDefs(tickColumn === null ? props.columns : [tickColumn, ...props.columns]),
    [props.columns, tickColumn],
  )
  const table = useTable({
    features,
    columns,
    data: useMemo(() => rows.slice(first, last + 1), [rows, first, last]),
    getRowId: (row) => String(rowKey(row)),
    manualSorting: true,
    enableSortingRemoval: false,
    state: {
      columnVisibility: props.visibility,
      sorting: sort === undefined ? [] : [{ id: sort.by, desc: sort.isDescending }],
      rowSelection: selection?.chosen ?? {},
    },
    onSortingChange: (updater) => {
      const [next] = functionalUpdate(updater, [])
      if (next !== undefined) sort?.onChange(next.id, next.desc)
    },
    onRowSelectionChange: (updater: Updater<RowSelectionState>) => {
      if (selection !== undefined) selection.onChange(functionalUpdate(updater, selection.chosen))
    },
  })
  return (
    <div
      ref={scroller}
      role="region"
      aria-label={props.label}
      tabIndex={0}
      className="quiet-scroll max-h-[max(20rem,calc(100vh-14rem))] overflow-auto rounded-lg border border-line bg-surface"
    >
      <table
        style={{ minWidth: `calc(100% + ${roomFor(props.columns, props.visibility)}px)` }}
        className="w-full table-fixed border-separate border-spacing-0"
        aria-rowcount={(props.total ?? rows.length) + 1}
      >
        <thead className="sticky top-0 z-10">
          <tr>
            {table.getVisibleLeafColumns().map((column) => (
              <HeadCell
                key={column.id}
                column={metaOf<Row>(column.columnDef)}
                sorted={column.getIsSorted()}
                onSort={
                  sort !== undefined && column.getCanSort()
                    ? (isDescending) => column.toggleSorting(isDescending)
                    : null
                }
              />
            ))}
          </tr>
        </thead>
        <tbody>
          <Spacer height={inSight[0]?.start ?? 0} />
          {table.getRowModel().rows.map((row, position) => (
            <tr
              key={row.id}
              aria-rowindex={first + position + 2}
              data-marked={props.isMarked?.(row.original) === true || row.getIsSelected() || undefined}
              className="group hover:bg-sunken data-marked:bg-accent-soft"
            >
              {row.getVisibleCells().map(({ id, column }) => (
                <BodyCell key={id} column={metaOf<Row>(column.columnDef)} row={row.original} height={rowHeight} />
              ))}
            </tr>
          ))}
          <Spacer height={virtualizer.getTotalSize() - (inSight.at(-1)?.end ?? 0)} />
        </tbody>
      </table>
    </div>
  )
}

/** Pixels that chosen extra columns need beyond those of hidden ones: the list is scrolled sideways rather than squeezed. */
function roomFor<Row>(columns: readonly Column<Row>[], visibility: Record<string, boolean>): number {
  let room = 0
  for (const { id, width = '', isExtra = false } of columns) {
    const pixels = width.endsWith('px') ? Number.parseInt(width, 10) : 0
    if (isExtra && visibility[id] === true) room += pixels
    if (!isExtra && visibility[id] === false) room -= pixels
  }
  return Math.max(0, room)
}

function metaOf<Row>({ meta }: { meta?: Column<never> }): Column<Row> {
  return meta as Column<Row>
}

/** Ticks of rows, and of all that are loaded. With Shift: of everything since the last one. */
function useTickColumn<Row>({ rows, rowKey, selection }: DataTableProps<Row>): Column<Row> | null {
  const anchor = useRef<string | null>(null)
  if (selection === undefined) return null
  const { chosen, onChange, label, labelOfAll } = selection
  // Nothing is chosen that is not loaded.
  const count = Object.keys(chosen).length
  const keyOf = (row: Row): string => String(rowKey(row))
  const choose = (changed: readonly Row[], isOn: boolean): void => {
    const next = { ...chosen }
    for (const row of changed) {
      if (isOn) next[keyOf(row)] = true
      else delete next[keyOf(row)]
    }
    onChange(next)
  }
  const tick = (row: Row, isOn: boolean, isRange: boolean): void => {
    const [from, to] = [rows.findIndex((each) => keyOf(each) === anchor.current), rows.indexOf(row)]
    anchor.current = keyOf(row)
    if (isRange && from >= 0) choose(rows.slice(Math.min(from, to), Math.max(from, to) + 1), isOn)
    else choose([row], isOn)
  }
  const isAll = rows.length > 0 && count === rows.length
  return {
    id: 'select',
    width: '40px',
    header: (
      <Tick label={labelOfAll} isOn={isAll} isPartly={!isAll && count > 0} onChange={(isOn) => choose(rows, isOn)} />
    ),
    cell: (row) => (
      <Tick
        label={label(row)}
        isOn={chosen[keyOf(row)] === true}
        onChange={(isOn, isWithShift) => tick(row, isOn, isWithShift)}
      />
    ),
  }
}

/** One cell: spanning all columns would bring back those that are hidden on a narrow screen. */
function Spacer({ height }: { height: number }): ReactNode {
  if (height <= 0) return null
  return (
    <tr aria-hidden>
      <td style={{ height }} className="p-0" />
    </tr>
  )
}
