import { type ShopView, shownArrivals } from './follow-shop.ts'

const columns = 40
const size = 20
const inner = 14
/** Free squares ahead of the newest change, so that the eye finds it. */
const ahead = 4

type Cell = 'live' | 'caught-up' | 'stored' | 'waiting' | 'lost' | 'before'

const legend: readonly (readonly [Cell, string])[] = [
  ['live', 'received at once'],
  ['caught-up', 'received later'],
  ['stored', 'in the journal'],
  ['waiting', 'waits at the shop'],
  ['lost', 'lost'],
]

/** One square for each of the last changes. */
export function Picture({ view }: { view: ShopView }) {
  const { figures, arrivals } = view
  const made = Math.max(figures?.made ?? 0, view.tally.last)
  const numbers = Array.from({ length: shownArrivals - ahead }, (_, index) => made - index).filter((n) => n > 0)
  const rows = shownArrivals / columns
  return (
    <figure className="picture">
      <figcaption>
        <span>A square for each change</span>
        {legend.map(([cell, text]) => (
          <span key={cell} className="key">
            <svg viewBox={`0 0 ${inner} ${inner}`} aria-hidden="true">
              <Square cell={cell} x={0} y={0} />
            </svg>
            {text}
          </span>
        ))}
      </figcaption>
      <svg
        viewBox={`0 0 ${columns * size} ${rows * size}`}
        role="img"
        aria-label="The counters have the same in numbers"
      >
        {numbers.map((number) => {
          const at = (number - 1) % shownArrivals
          const [column, row] = [at % columns, Math.floor(at / columns)]
          const cell = arrivals.get(number) ?? cellOf(number, view)
          return <Square key={number} cell={cell} x={column * size + 3} y={row * size + 3} />
        })}
      </svg>
    </figure>
  )
}

function Square({ cell, x, y }: { cell: Cell; x: number; y: number }) {
  return <rect className={cell} x={x + 0.75} y={y + 0.75} width={inner - 1.5} height={inner - 1.5} rx={3} />
}

/** Of a change that this page has not received. */
function cellOf(number: number, { tally, figures }: ShopView): Cell {
  if (tally.lost.has(number)) return 'lost'
  if (tally.first === undefined || number < tally.first) return 'before'
  return number <= (figures?.confirmed ?? 0) ? 'stored' : 'waiting'
}
