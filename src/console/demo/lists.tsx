import type { Moment, OrderChangeShown } from './follow-shop.ts'

const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })

export function Moments({ moments }: { moments: readonly Moment[] }) {
  return (
    <section aria-labelledby="happened" className="card">
      <h2 id="happened">What happened</h2>
      <div role="log" aria-labelledby="happened" tabIndex={0} className="moments">
        <ol>
          {moments.map(({ id, at, text }) => (
            <li key={id}>
              <time dateTime={at.toISOString()}>{time.format(at)}</time>
              {text}
            </li>
          ))}
        </ol>
        {moments.length === 0 && <p className="muted">Nothing yet. Press a button.</p>}
      </div>
    </section>
  )
}

export function Changes({ changes }: { changes: readonly OrderChangeShown[] }) {
  return (
    <section aria-labelledby="orders" className="card">
      <h2 id="orders">Grace’s orders</h2>
      <table>
        <thead className="sr">
          <tr>
            <th scope="col">Change</th>
            <th scope="col">Order</th>
            <th scope="col">Item</th>
            <th scope="col">Status</th>
            <th scope="col">Total</th>
          </tr>
        </thead>
        <tbody>
          {changes.map(({ change, id, item, status, total, arrival }) => (
            <tr key={change} className={arrival}>
              <td className="number">#{change}</td>
              <td>{id}</td>
              <td>{item}</td>
              <td>
                <span className="status">{status.toLowerCase()}</span>
              </td>
              <td className="num">€ {total.toFixed(2)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
