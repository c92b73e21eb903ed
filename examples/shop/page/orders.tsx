import { useSubscription } from '@apollo/client/react'
import type { Client } from 'graphql-ws'
import { useEffect, useReducer, useState } from 'react'
import { orderChanged, shipment } from './operations.ts'
import { forgetLog, type OrderChange, type OrderLog, storeLog, withResult } from './order-log.ts'

interface OrdersProps {
  readonly customerId: string
  readonly socket: Client
  readonly loaded: OrderLog
}

const shownOrders = 10

/** The customer's orders, and every change of them in order. */
export function Orders({ customerId, socket, loaded }: OrdersProps) {
  const [log, add] = useReducer(withResult, loaded)
  useEffect(() => storeLog(customerId, log), [customerId, log])
  const { error } = useSubscription(orderChanged, {
    // Only the first position: after a lost connection, the client continues after its last event.
    variables: { customerId, after: loaded.after },
    // Events are a stream, not a state: in the cache each would replace the one before.
    fetchPolicy: 'no-cache',
    onData: ({ data }) => add(data.data?.orderChanged ?? null),
  })
  const readAgain = () => {
    forgetLog(customerId)
    location.reload()
  }
  return (
    <>
      <p role="status">{useConnected(socket) ? 'connected' : 'connecting'}</p>
      {error && <p role="alert">{error.message}</p>}
      {log.isIncomplete && (
        <p role="alert">
          Some changes are missing.{' '}
          <button type="button" onClick={readAgain}>
            Read the orders again
          </button>
        </p>
      )}
      <section aria-label="Orders">
        <ul>
          {ordersOf(log).map(({ first, latest }) => (
            <li key={latest.id}>
              {latest.id}: {latest.status}, {latest.total} <Shipment id={latest.id} after={first.cursor} />
            </li>
          ))}
        </ul>
      </section>
      <section aria-label="Changes">
        <ol>
          {log.changes.map(({ cursor, id, status, total }) => (
            <li key={cursor}>
              {id} {status} {total}
            </li>
          ))}
        </ol>
      </section>
    </>
  )
}

/** `after` is the cursor of the order: cursors of one field are positions of every other. */
function Shipment({ id, after }: { id: string; after: string }) {
  const { data } = useSubscription(shipment, { variables: { id, after }, fetchPolicy: 'no-cache' })
  switch (data?.shipment.__typename) {
    case 'ShipmentPacked':
      return <>packed ({data.shipment.weight} kg)</>
    case 'ShipmentDelivered':
      return <>delivered to {data.shipment.signedBy}</>
    default:
      return null
  }
}

/** The orders that changed last, each with its first and its latest known change. */
function ordersOf({ changes }: OrderLog): { first: OrderChange; latest: OrderChange }[] {
  const orders = new Map<string, { first: OrderChange; latest: OrderChange }>()
  for (const change of changes) {
    orders.set(change.id, { first: orders.get(change.id)?.first ?? change, latest: change })
  }
  return [...orders.values()].slice(-shownOrders)
}

function useConnected(socket: Client): boolean {
  const [isConnected, setConnected] = useState(false)
  useEffect(() => {
    const unlisten = [socket.on('connected', () => setConnected(true)), socket.on('closed', () => setConnected(false))]
    return () => {
      for (const stop of unlisten) stop()
    }
  }, [socket])
  return isConnected
}
