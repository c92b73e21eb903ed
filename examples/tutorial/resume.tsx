import { endWhenSilent, resumable } from '@warren/client'
import { createClient } from 'graphql-ws'
import { useEffect, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { clientId, token, url } from './settings.ts'

const client = createClient({
  url,
  connectionParams: { token },
  retryAttempts: 0, // resumable reconnects
  keepAlive: 10_000,
})
endWhenSilent(client)

const query = `subscription Listen($clientId: ID!, $after: Cursor) {
  channel(clientId: $clientId, after: $after, checkpoints: true) { kind cursor data gap { reason oldest } }
}`

interface Order {
  orderId: number
  status: string
}
type Received = { kind: 'MESSAGE'; cursor: string; data: Order } | { kind: 'GAP'; cursor: string }

/** What the page knows, and the cursor up to which it knows it: stored together, or not at all. */
interface Known {
  cursor?: string
  orders: Order[]
  isIncomplete?: boolean
}
const load = (): Known => JSON.parse(localStorage.getItem('orders') ?? '{"orders":[]}') as Known

function Orders() {
  const [known, setKnown] = useState(load)
  const [state, setState] = useState('')
  useEffect(() => {
    let now = load()
    const change = (changes: Partial<Known>) => {
      now = { ...now, ...changes }
      localStorage.setItem('orders', JSON.stringify(now))
      setKnown(now)
    }
    return resumable<Received>(client, {
      query,
      variables: { clientId, after: now.cursor },
      onCheckpoint: ({ cursor }) => change({ cursor }),
      onState: ({ kind }) => setState(kind),
    }).subscribe({
      next(event) {
        if (event.kind === 'GAP') change({ cursor: event.cursor, isIncomplete: true })
        else change({ cursor: event.cursor, orders: [...now.orders, event.data] })
      },
      error: (error) => setState(`ended: ${String(error)}`),
    })
  }, [])
  return (
    <>
      <p role="status">{state}</p>
      {known.isIncomplete && <p role="alert">Some orders are missing. A real page loads them again.</p>}
      <ol>
        {known.orders.map((order, index) => (
          <li key={index}>
            order {order.orderId}: {order.status}
          </li>
        ))}
      </ol>
    </>
  )
}

const root = document.querySelector('#root')
if (root) createRoot(root).render(<Orders />)
