import type { DataTableProps } from './data-table.tsx'

/** What `useApiList` answers, as far as a table is concerned. */
type PagedList<Row> = {
  items: readonly Row[]
  isPending: boolean
  error: unknown
  hasNextPage: boolean
  isFetchingNextPage: boolean
  refetch: () => unknown
  fetchNextPage: () => unknown
}

type ListProps = 'rows' | 'isLoading' | 'error' | 'onRetry' | 'hasMore' | 'isLoadingMore' | 'onMore'

/** A list that is read page by page, as the properties of a DataTable: `<DataTable {...rowsOf(list)} … />`. */
export function rowsOf<Row>(list: PagedList<Row>): Pick<DataTableProps<Row>, ListProps> {
  return {
    rows: list.items,
    isLoading: list.isPending,
    error: list.error,
    onRetry: () => void list.refetch(),
    hasMore: list.hasNextPage,
    isLoadingMore: list.isFetchingNextPage,
    onMore: () => void list.fetchNextPage(),
  }
}
