import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { hmacSigner } from '../../../src/auth/tokens/jwt.ts'
import { eventually } from '../../support/eventually.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { testSecret } from '../../support/gateway/gateway-process.ts'
import { freePort } from '../../support/network/ports.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { Refused, type TransportAdapter } from '../../transports/suite/adapter.ts'
import { socketCluster } from '../../transports/suite/socketcluster.ts'
import { framedTcp } from '../../transports/suite/tcp.ts'
import { plainWebSocket } from '../../transports/suite/websocket.ts'
import { publish } from './event-client.ts'

const sdl = `
type Subscription {
  order(customer: ID! @owner, amount: Int, open: Boolean, status: [Status!]): Order @events(exchange: "orders")
  shipment: Shipment! @events(exchange: "shipping") @allow
}
type Order { id: ID!  status: Status!  note: String @allow(scopes: ["notes"])  lines: [Line!] }
type Line { sku: ID!  next: Line }
enum Status { NEW PAID }
union Shipment = Packed | Delivered
type Packed @eventType(name: "packed") { id: ID! }
type Delivered @eventType(name: "delivered") { id: ID! }
`

const folder = newFolder()
const signer = hmacSigner({ secret: testSecret })
let gateway: InProcessGateway
let tcpPort: number

beforeAll(async () => {
  writeFileSync(join(folder, 'events.graphql'), sdl)
  tcpPort = await freePort()
  gateway = await openGateway({ WARREN_SCHEMA: folder, WARREN_TCP_PORT: String(tcpPort) })
})
afterAll(async () => {
  await gateway?.close()
  removeFolder(folder)
})

const order = {
  id: 1,
  customer: 'alice',
  amount: 7,
  open: true,
  status: 'PAID',
  note: 'ä "secret"',
  lines: [{ sku: 1 }],
}
const send = (data: unknown) => publish(gateway, { exchange: 'orders', routingKey: 'x', data })
const live = (count: number) => eventually(`${count} subscriptions`, () => gateway.gateway.hub.size === count)

const transports: readonly TransportAdapter[] = [socketCluster, plainWebSocket, framedTcp]

describe.each(transports)('$name', (transport) => {
  async function listen(channel: string, scope: readonly string[] = [], after?: string) {
    const { token } = await signer.sign({ clientId: 'alice', scope, ttlSeconds: 600 })
    return transport.listen({ gateway, tcpPort }, { channel, token, ...(after === undefined ? {} : { after }) })
  }

  test('subscribes by a field and its arguments', async () => {
    await live(0)
    await using events = await listen('order?customer=alice&amount=7&open=true&status=PAID&status=NEW')
    await live(1)
    await send({ ...order, amount: 8 })
    await send({ ...order, open: false })
    const cursor = await send(order)
    expect(await events.events.next()).toMatchObject({
      cursor,
      data: { id: '1', status: 'PAID', lines: [{ sku: '1' }] },
    })
  })

  test('shows only the fields that the token may select', async () => {
    await live(0)
    await using plain = await listen('order?customer=alice')
    await using reader = await listen('order?customer=alice', ['notes'])
    await live(2)
    await send(order)
    const [without, complete] = [await plain.events.next(), await reader.events.next()]
    expect(without.data).not.toHaveProperty('note')
    expect(complete.data).toMatchObject({ note: 'ä "secret"' })
  })

  test('resumes after a cursor', async () => {
    await live(0)
    const first = await send(order)
    const second = await send({ ...order, id: 2 })
    await using events = await listen('order?customer=alice', [], first)
    expect(await events.events.next()).toMatchObject({ cursor: second, data: { id: '2' } })
  })

  test('names the member of a union', async () => {
    await live(0)
    await using events = await listen('shipment?')
    await live(1)
    await publish(gateway, { exchange: 'shipping', routingKey: 'x', type: 'packed', data: { id: 5 } })
    expect(await events.events.next()).toMatchObject({ data: { __typename: 'Packed', id: '5' } })
  })

  test.each([
    ['another owner', 'order?customer=bob', 'FORBIDDEN'],
    ['an argument that there is not', 'order?customer=alice&colour=red', 'BAD_USER_INPUT'],
    ['a value of another type', 'order?customer=alice&amount=many', 'BAD_USER_INPUT'],
    ['a missing argument', 'order?amount=7', 'BAD_USER_INPUT'],
    ['two values for one', 'order?customer=alice&amount=7&amount=8', 'BAD_USER_INPUT'],
  ])('refuses %s', async (_what, channel, code) => {
    await using events = await listen(channel)
    await expect(events.events.next()).rejects.toEqual(new Refused(code))
  })

  test('a name with a question mark that is no field is a channel', async () => {
    await live(0)
    await using events = await listen('nothing?customer=alice', ['channel:#'])
    await live(1)
    await publish(gateway, { exchange: 'warren.events', routingKey: 'client.nothing?customer=alice', data: 1 })
    expect(await events.events.next()).toMatchObject({ data: 1 })
  })
})
