import { useMutation, useQuery } from '@apollo/client/react'
import { useState } from 'react'
import { placeOrder, quote } from './operations.ts'

/** Asks for the price of what is chosen (a field with `@request`), and orders it (`@publish`). */
export function Purchase({ customerId }: { customerId: string }) {
  const [sku, setSku] = useState('tea')
  const [quantity, setQuantity] = useState(1)
  const price = useQuery(quote, { variables: { sku, quantity } })
  const [place, placing] = useMutation(placeOrder)
  // Without the second function, an error would also be an unhandled rejection.
  const order = () =>
    void place({ variables: { input: { customerId, region: 'eu', lines: [{ sku, quantity }] } } }).catch(() => {})
  return (
    <section aria-label="Purchase">
      <label>
        Article{' '}
        <select value={sku} onChange={({ target }) => setSku(target.value)}>
          <option>tea</option>
          <option>cup</option>
          <option>hat</option>
        </select>
      </label>{' '}
      <label>
        Quantity{' '}
        <input
          type="number"
          min="1"
          value={quantity}
          onChange={({ target }) => setQuantity(Math.max(1, Math.trunc(Number(target.value))))}
        />
      </label>{' '}
      <output aria-label="Price">{price.error?.message ?? price.data?.quote.price}</output>{' '}
      <button type="button" disabled={!price.data} onClick={order}>
        Order
      </button>
      {placing.data && <p>Placed: {placing.data.placeOrder.messageId}</p>}
      {placing.error && <p role="alert">{placing.error.message}</p>}
    </section>
  )
}
