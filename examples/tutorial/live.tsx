import { createClient } from 'graphql-ws'
import { useEffect, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { clientId, token, url } from './settings.ts'

const client = createClient({ url, connectionParams: { token } })
const query = 'subscription Listen($clientId: ID!) { channel(clientId: $clientId) { data } }'

interface Order {
  orderId: number
  status: string
}

function Orders() {
  const [orders, setOrders] = useState<Order[]>([])
  useEffect(
    () =>
      client.subscribe<{ channel: { data: Order } }>(
        { query, variables: { clientId } },
        {
          next({ data }) {
            if (data) setOrders((before) => [...before, data.channel.data])
          },
          error: (error) => console.error(error),
          complete: () => undefined,
        },
      ),
    [],
  )
  return (
    <ol>
      {orders.map((order, index) => (
        <li key={index}>
          order {order.orderId}: {order.status}
        </li>
      ))}
    </ol>
  )
}

const root = document.querySelector('#root')
if (root) createRoot(root).render(<Orders />)
