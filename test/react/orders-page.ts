/**
 * A page with both hooks. The test renders it on a server, bundles this file, and feeds it in a
 * browser.
 */
import { createElement, memo, StrictMode } from 'react'
import { useKeyed, useLatest } from '../../src/react/hooks.ts'
import type { FedClient } from '../client/fed-client.ts'

interface Order {
  readonly id: string
  readonly total: number
}

export const query =
  'subscription Orders($customer: ID!, $after: Cursor) { orders(customer: $customer, after: $after) { id total } }'

/** How often each row was rendered. */
export const rendered = new Map<string, number>()

const Row = memo(function Row({ order }: { readonly order: Order }) {
  rendered.set(order.id, (rendered.get(order.id) ?? 0) + 1)
  return createElement('li', null, `${order.id}: ${order.total}`)
})

function Orders({ client, customer }: { readonly client: FedClient | null; readonly customer: string }) {
  // The object is another one at each render, as in most components.
  const { connection, entries, isComplete } = useKeyed<Order>(client, { query, variables: { customer } })
  const rows = [...entries.values()].map((order) => createElement(Row, { key: order.id, order }))
  return createElement(
    'section',
    null,
    createElement('p', null, `${customer} ${connection} ${isComplete ? 'complete' : 'incomplete'}`),
    createElement('ul', null, ...rows),
  )
}

function Newest({ client }: { readonly client: FedClient | null }) {
  const { value, gap } = useLatest<Order>(client, { query, variables: { customer: 'all' } })
  return createElement('output', null, value ? `${value.id}: ${value.total}` : (gap?.reason ?? 'nothing yet'))
}

export interface PageProps {
  /** Of `useKeyed` and of `useLatest`. Null on a server. */
  readonly clients: readonly [keyed: FedClient, latest: FedClient] | null
  readonly customer: string
  readonly isShown: boolean
}

export function page({ clients, customer, isShown }: PageProps) {
  const [keyed, latest] = clients ?? [null, null]
  return createElement(
    StrictMode,
    null,
    isShown ? createElement(Orders, { client: keyed, customer }) : null,
    createElement(Newest, { client: latest }),
  )
}
