import { useVirtualizer } from '@tanstack/react-virtual'
import { memo, type ReactNode, useEffect, useRef } from 'react'
import { headClass } from './sortable-table.tsx'
import type { HoldHandlers } from './use-held-rows.ts'
import { useNarrow } from './use-narrow.ts'

export interface Column<Row> {
  readonly id: string
  readonly head: ReactNode
  readonly cell: (row: Row) => ReactNode
  readonly className?: string
  /** The value of `onSort`, if the list can be sorted by this column. */
  readonly sort?: string
  /** It sorts the smallest first. */
  readonly ascending?: boolean
}

export interface VirtualTableProps<Row> {
  readonly label: string
  /** CSS class with the columns of the grid. */
  readonly layout: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  readonly selected: string | undefined
  readonly onSelect: (row: Row) => void
  /** All rows there are, loaded or not. Undefined: not known. */
  readonly total?: number | undefined
  readonly sortedBy?: string | undefined
  readonly onSort?: (by: string) => void
  /** The end of the loaded rows is near. */
  readonly onEnd?: () => void
  /** The list was scrolled away from its top, or back to it. */
  readonly onScrolled?: (away: boolean) => void
  readonly empty?: ReactNode
  /** Of `useHold` or `useHeldRows`. */
  readonly hold?: HoldHandlers
  /** Keys of rows that are only shown until the rows may move. */
  readonly gone?: ReadonlySet<string>
}

const heights = { row: 30, phoneRow: 56 }
/** How many rows before the end the next page is asked for. */
const nearEnd = 30

/** Only what is on the screen exists. */
export function VirtualTable<Row>(props: VirtualTableProps<Row>) {
  const { rows, keyOf, selected, onEnd, onScrolled, columns, layout, total } = props
  const scroller = useRef<HTMLDivElement>(null)
  const narrow = useNarrow()
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (narrow ? heights.phoneRow : heights.row),
    getItemKey: (index) => {
      const row = rows[index]
      return row === undefined ? index : keyOf(row)
    },
    overscan: 12,
  })
  useEffect(() => virtual.measure(), [virtual, narrow])
  const items = virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (rows.length > 0 && last >= rows.length - nearEnd) onEnd?.()
  }, [last, rows.length, onEnd])
  const chosen = selected === undefined ? -1 : rows.findIndex((row) => keyOf(row) === selected)
  const shown = useRef(selected)
  useEffect(() => {
    if (chosen >= 0 && shown.current !== selected) virtual.scrollToIndex(chosen, { align: 'auto' })
    shown.current = selected
  }, [virtual, chosen, selected])
  return (
    <div
      className={`vlist ${layout}`}
      ref={scroller}
      role="table"
      aria-label={props.label}
      aria-rowcount={total === undefined ? -1 : total + 1}
      tabIndex={0}
      {...props.hold}
      onScroll={(event) => onScrolled?.(event.currentTarget.scrollTop > heights.row)}
    >
      <div className="vhead" role="row" aria-rowindex={1}>
        {columns.map((column) => (
          <Head column={column} sortedBy={props.sortedBy} onSort={props.onSort} key={column.id} />
        ))}
      </div>
      {rows.length === 0 && (
        <div className="vempty" role="row">
          <div className="vempty" role="cell">
            {props.empty}
          </div>
        </div>
      )}
      <div className="vbody" role="rowgroup" style={{ height: virtual.getTotalSize() }}>
        {items.map(({ index, key, start }) => {
          const row = rows[index]
          return (
            row !== undefined && (
              <TableRow
                key={key}
                row={row}
                index={index}
                top={start}
                columns={columns as readonly Column<unknown>[]}
                isSelected={index === chosen}
                isGone={props.gone?.has(keyOf(row)) ?? false}
                onSelect={props.onSelect as (row: unknown) => void}
              />
            )
          )
        })}
      </div>
    </div>
  )
}

function Head<Row>({
  column: { head, sort, ascending, className },
  sortedBy,
  onSort,
}: {
  column: Column<Row>
  sortedBy: string | undefined
  onSort: ((by: string) => void) | undefined
}) {
  const isSorted = sort !== undefined && sort === sortedBy
  return (
    <span
      className={headClass(className)}
      role="columnheader"
      aria-sort={isSorted ? (ascending ? 'ascending' : 'descending') : undefined}
    >
      {sort !== undefined && onSort ? (
        <button type="button" className="head-button" onClick={() => onSort(sort)}>
          {head}
          {isSorted && (ascending ? ' ↑' : ' ↓')}
        </button>
      ) : (
        head
      )}
    </span>
  )
}

interface TableRowProps {
  readonly row: unknown
  readonly index: number
  readonly top: number
  readonly columns: readonly Column<unknown>[]
  readonly isSelected: boolean
  readonly isGone: boolean
  readonly onSelect: (row: unknown) => void
}

const TableRow = memo(function TableRow({ row, index, top, columns, isSelected, isGone, onSelect }: TableRowProps) {
  return (
    <div
      className="vrow"
      role="row"
      aria-rowindex={index + 2}
      data-selected={isSelected}
      data-gone={isGone || undefined}
      aria-current={isSelected ? 'true' : undefined}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => onSelect(row)}
    >
      {columns.map(({ id, cell, className }) => (
        <span className={className} role="cell" key={id}>
          {cell(row)}
        </span>
      ))}
    </div>
  )
})
