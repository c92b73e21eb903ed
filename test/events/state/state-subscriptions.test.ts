import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { type EventClient, eventClient, publish } from '../serving/event-client.ts'

let gateway: InProcessGateway
let client: EventClient

beforeAll(async () => {
  gateway = await openGateway({ WARREN_SCHEMA: 'test/events/state/orders.sdl.txt' })
  client = await eventClient(gateway, undefined)
})
afterAll(async () => {
  await client[Symbol.asyncDispose]()
  await gateway.close()
})

const order = (customerId: string, id: number, total: number, type = 'order.changed') =>
  publish(gateway, {
    exchange: 'orders',
    routingKey: 'orders.eu',
    type,
    data: type === 'order.deleted' ? { id, customerId } : { id, customerId, status: 'PAID', total },
  })
const courier = (id: string, x: number | undefined) =>
  publish(gateway, {
    exchange: 'couriers',
    routingKey: '',
    type: x === undefined ? 'courier.gone' : 'courier.moved',
    data: x === undefined ? { id } : { id, x },
  })
const orders = 'subscription ($id: ID!, $after: Cursor) { orders(customerId: $id, after: $after) { id total } }'
const couriers = 'subscription { couriers { ... on CourierMoved { id x } ... on CourierGone { gone: id } } }'
const cursor = expect.any(String)

describe('a subscription to a field with keyed state', () => {
  test('begins with the last value of each key that is left, then continues live', async () => {
    await order('alice', 1, 10)
    await order('bob', 2, 20)
    await order('alice', 3, 30)
    await order('alice', 1, 11)
    await order('alice', 4, 40)
    await order('alice', 3, 0, 'order.deleted')
    // A snapshot is as of the place up to which the state is folded.
    await eventually('the six messages to be folded', () =>
      gateway.gateway.states?.counts.some(({ field, folded }) => field === 'orders' && folded === 6),
    )
    const events = client.listen(orders, { id: 'alice' })
    expect(await events.next()).toEqual({
      data: { orders: { id: '1', total: 11 } },
      extensions: { warren: { cursor, state: 'SNAPSHOT', reset: true } },
    })
    expect(await events.next()).toEqual({
      data: { orders: { id: '4', total: 40 } },
      extensions: { warren: { cursor, state: 'SNAPSHOT_END' } },
    })
    const changed = await order('alice', 5, 50)
    expect(await events.next()).toEqual({
      data: { orders: { id: '5', total: 50 } },
      extensions: { warren: { cursor: changed } },
    })
    const removed = await order('alice', 1, 0, 'order.deleted')
    expect(await events.next()).toEqual({
      data: { orders: null },
      extensions: { warren: { cursor: removed, removed: '1' } },
    })
  })

  test('receives a checkpoint for an empty state, and resumes after it', async () => {
    const events = client.listen(orders, { id: 'nobody' })
    const empty = { cursor, checkpoint: true, state: 'SNAPSHOT_END', reset: true }
    const first = await events.next()
    expect(first).toEqual({ data: { orders: null }, extensions: { warren: empty } })
    await order('nobody', 9, 90)
    expect(await events.next()).toMatchObject({ data: { orders: { id: '9' } } })
    const { cursor: after } = (first as { extensions: { warren: { cursor: string } } }).extensions.warren
    const resumed = client.listen(orders, { id: 'nobody', after })
    expect(await resumed.next()).toMatchObject({ data: { orders: { id: '9' } } })
  })

  test('removes a key with the member that stands for it, and sends no empty state where null is not allowed', async () => {
    const events = client.listen(couriers)
    await courier('c1', 1)
    expect(await events.next()).toMatchObject({ data: { couriers: { id: 'c1', x: 1 } } })
    await courier('c1', undefined)
    expect(await events.next()).toEqual({
      data: { couriers: { gone: 'c1' } },
      extensions: { warren: { cursor, removed: 'c1' } },
    })
    await courier('c2', 2)
    expect(await events.next()).toMatchObject({ data: { couriers: { id: 'c2', x: 2 } } })
    await eventually('a snapshot with c2', async () => {
      const { couriers: first } = ((await client.listen(couriers).next()) as { data: { couriers: { id?: string } } })
        .data
      return first.id === 'c2'
    })
  })
})
