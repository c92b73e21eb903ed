/** Takes over the page that a server rendered. The test calls what it puts on `globalThis`. */
import { hydrateRoot } from 'react-dom/client'
import { FedClient } from '../client/fed-client.ts'
import { page, rendered } from './orders-page.ts'

const clients = [new FedClient(), new FedClient()] as const
const { document } = globalThis as unknown as {
  document: { getElementById(id: string): Parameters<typeof hydrateRoot>[0] }
}
const root = hydrateRoot(document.getElementById('root'), page({ clients, customer: 'alice', isShown: true }))

export const controls = {
  keyed: clients[0],
  latest: clients[1],
  rendered: () => Object.fromEntries(rendered),
  show: (customer: string, isShown: boolean) => root.render(page({ clients, customer, isShown })),
}
Object.assign(globalThis, { controls })
