import {
  type ColumnDef,
  createSortedRowModel,
  rowSortingFeature,
  sortFn_basic,
  tableFeatures,
  useTable,
} from '@tanstack/react-table'
import { type ReactNode, useMemo } from 'react'
import { useHeldRows } from './use-held-rows.ts'
import { type RowActions, useRowKeys } from './use-row-keys.ts'

export interface SortableColumn<Row> {
  readonly id: string
  readonly head: ReactNode
  readonly cell: (row: Row) => ReactNode
  /** What the column is sorted by. Without it, the column cannot be sorted. */
  readonly value?: (row: Row) => string | number
  readonly className?: string
  /** The cell names the row for screen readers. */
  readonly isName?: boolean
}

const features = tableFeatures({
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns: { basic: sortFn_basic },
})

/**
 * A table of few rows that the page has. A click on a head sorts by it. No row moves while the
 * pointer or the focus is in the table.
 */
export function SortableTable<Row extends object>({
  label,
  columns,
  rows,
  keyOf,
  selected,
  onSelect,
  actions,
  className = '',
}: {
  label: string
  columns: readonly SortableColumn<Row>[]
  rows: readonly Row[]
  keyOf: (row: Row) => string
  selected?: string | undefined
  onSelect?: (row: Row) => void
  /** What keys do with the rows, in the order of the table. Undefined: the view has the keys. */
  actions?: RowActions<Row>
  className?: string
}) {
  const definitions = useMemo(
    () =>
      columns.map(
        ({ id, value }): ColumnDef<typeof features, Row> => ({
          id,
          accessorFn: (row) => value?.(row) ?? '',
          enableSorting: value !== undefined,
          sortFn: 'basic',
        }),
      ),
    [columns],
  )
  const data = useMemo(() => [...rows], [rows])
  const table = useTable({ features, columns: definitions, data, getRowId: keyOf })
  const [sorted] = table.state.sorting
  const model = table.getRowModel().rows
  const inOrder = useMemo(() => model.map(({ original }) => original), [model])
  const { rows: shown, gone, hold } = useHeldRows(inOrder, keyOf, JSON.stringify(sorted ?? null))
  return (
    <section className="scroll" tabIndex={0} aria-label={label} {...hold}>
      {actions && <RowKeys rows={shown} keyOf={keyOf} selected={selected} {...actions} />}
      <table className={className}>
        <thead>
          <tr>
            {columns.map(({ id, head, className: cellClass, value }) => (
              <th
                className={headClass(cellClass)}
                key={id}
                aria-sort={sorted?.id === id ? (sorted.desc ? 'descending' : 'ascending') : undefined}
              >
                {value === undefined ? (
                  head
                ) : (
                  <button type="button" onClick={() => table.getColumn(id)?.toggleSorting()}>
                    {head}
                    {sorted?.id === id && (sorted.desc ? ' ↓' : ' ↑')}
                  </button>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => {
            const key = keyOf(row)
            return (
              <tr
                className={onSelect ? 'pick' : ''}
                data-selected={key === selected}
                data-gone={gone.has(key) || undefined}
                key={key}
                onClick={onSelect && (() => onSelect(row))}
              >
                {columns.map(({ id, cell, className: cellClass, isName }) =>
                  isName ? (
                    <th scope="row" className={cellClass} key={id}>
                      {onSelect ? (
                        <button type="button" className="row-button" aria-pressed={key === selected}>
                          {cell(row)}
                        </button>
                      ) : (
                        cell(row)
                      )}
                    </th>
                  ) : (
                    <td className={cellClass} key={id}>
                      {cell(row)}
                    </td>
                  ),
                )}
              </tr>
            )
          })}
        </tbody>
      </table>
    </section>
  )
}

/** A component, because not every table has keys. */
function RowKeys<Row>(parts: Parameters<typeof useRowKeys<Row>>[0]): null {
  useRowKeys(parts)
  return null
}

/** A head has the place of its cells, and not their letters. */
export function headClass(cellClass: string | undefined): string | undefined {
  return cellClass?.replace(/\b(mono|small|muted|body-cut)\b/g, '')
}
