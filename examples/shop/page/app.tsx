import { ApolloProvider } from '@apollo/client/react'
import { createRoot } from 'react-dom/client'
import { shopClient } from './client.ts'
import { openLog } from './order-log.ts'
import { Orders } from './orders.tsx'
import { Purchase } from './purchase.tsx'

const settings = document.querySelector('#settings')?.textContent ?? '{}'
const { gateway, customerId, token } = JSON.parse(settings) as { gateway: string; customerId: string; token: string }

const root = document.querySelector('#root')
if (!root) throw new Error('expected an element #root')
const { apollo, socket } = shopClient(gateway, token)
try {
  // Load first, then subscribe after the cursor of what was loaded: nothing is missed in between.
  const log = await openLog(apollo, customerId)
  createRoot(root).render(
    <ApolloProvider client={apollo}>
      <Purchase customerId={customerId} />
      <Orders customerId={customerId} socket={socket} loaded={log} />
    </ApolloProvider>,
  )
} catch (error) {
  root.textContent = `The orders cannot be read: ${String(error)}`
}
