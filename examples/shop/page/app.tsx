import { ApolloProvider, useMutation, useQuery, useSubscription } from '@apollo/client/react'
import { useState } from 'react'
import { createRoot } from 'react-dom/client'
import { shopClient } from './client.ts'
import type { OrderChangedSubscription } from './generated/graphql.ts'
import { orderChanged, placeOrder, quote, shipment } from './operations.ts'

type Order = NonNullable<OrderChangedSubscription['orderChanged']>

function Orders({ customerId }: { customerId: string }) {
  const [orders, setOrders] = useState<ReadonlyMap<string, Order>>(new Map())
  const [isIncomplete, setIncomplete] = useState(false)
  useSubscription(orderChanged, {
    variables: { customerId },
    fetchPolicy: 'no-cache',
    onData: ({ data }) => {
      const order = data.data?.orderChanged
      // Null is a gap: the page should read the state again.
      if (order) setOrders((known) => new Map(known).set(order.id, order))
      else setIncomplete(true)
    },
  })
  return (
    <section aria-label="Orders">
      {isIncomplete && <p role="status">Some changes are missing.</p>}
      <ul>
        {[...orders.values()].map((order) => (
          <li key={order.id}>
            {order.status} {order.total} <Shipment id={order.id} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function Shipment({ id }: { id: string }) {
  const { data } = useSubscription(shipment, { variables: { id }, fetchPolicy: 'no-cache' })
  switch (data?.shipment.__typename) {
    case 'ShipmentPacked':
      return <>packed ({data.shipment.weight} kg)</>
    case 'ShipmentDelivered':
      return <>delivered to {data.shipment.signedBy}</>
    default:
      return null
  }
}

function Shop({ customerId }: { customerId: string }) {
  const [quantity, setQuantity] = useState(1)
  const price = useQuery(quote, { variables: { sku: 'tea', quantity } })
  const [place, { error }] = useMutation(placeOrder)
  return (
    <main>
      <label>
        Packets of tea{' '}
        <input type="number" min="1" value={quantity} onChange={(event) => setQuantity(Number(event.target.value))} />
      </label>
      <output>{price.data?.quote.price}</output>
      <button
        type="button"
        onClick={() =>
          void place({ variables: { input: { customerId, region: 'eu', lines: [{ sku: 'tea', quantity }] } } })
        }
      >
        Order
      </button>
      {error && <p role="alert">{error.message}</p>}
      <Orders customerId={customerId} />
    </main>
  )
}

const { gateway, customer, token } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)))
const root = document.querySelector('#root')
if (root && gateway && customer && token) {
  createRoot(root).render(
    <ApolloProvider client={shopClient(gateway, token)}>
      <Shop customerId={customer} />
    </ApolloProvider>,
  )
}
