import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { eventClient, operate, publish } from './event-client.ts'

let gateway: InProcessGateway

beforeAll(async () => {
  gateway = await openGateway({ WARREN_SCHEMA: 'test/events/sdl/specification.sdl.txt' })
})
afterAll(() => gateway.close())

const order = (id: number, customer: string | number, status = 'PAID') => ({
  id,
  customer: { id: customer },
  status,
  total: 12.5,
  placedAt: '2026-11-28T10:00:00Z',
})

const publishOrder = (region: string, data: unknown) =>
  publish(gateway, { exchange: 'orders', routingKey: `orders.${region}.changed`, data })
const live = (subscriptions: number) =>
  eventually(`${subscriptions} live subscriptions`, () => gateway.gateway.hub.size === subscriptions)

const ids =
  'subscription ($id: ID!, $region: String, $status: [OrderStatus!]) { orderChanged(customerId: $id, region: $region, status: $status) { id } }'

describe('a subscription to a typed field', () => {
  test('delivers the events of its owner, typed, with their cursor', async () => {
    await using alice = await eventClient(gateway, 'alice')
    const events = alice.listen(
      'subscription ($id: ID!) { orderChanged(customerId: $id) { id customerId status total placedAt traceId cursor } }',
      { id: 'alice' },
    )
    await live(1)
    await publishOrder('eu', order(1, 'bob'))
    const cursor = await publishOrder('eu', order(2, 'alice', 'RETURNED'))
    const typed = { id: '2', customerId: 'alice', status: 'OTHER', total: '12.5', placedAt: '2026-11-28T10:00:00Z' }
    expect(await events.next()).toEqual({
      data: { orderChanged: { ...typed, traceId: null, cursor } },
      extensions: { warren: { cursor } },
    })
  })

  test('narrows by a word of the routing key and by a list', async () => {
    await live(0)
    await using client = await eventClient(gateway, '7')
    const events = client.listen(ids, { id: 7, region: 'eu', status: ['PAID', 'SHIPPED'] })
    await live(1)
    await publishOrder('us', order(1, 7))
    await publishOrder('eu', order(2, 7, 'CREATED'))
    await publishOrder('eu', order(3, '7', 'SHIPPED'))
    await publishOrder('eu', order(4, 7, 'PAID'))
    expect(await events.next()).toMatchObject({ data: { orderChanged: { id: '3' } } })
    expect(await events.next()).toMatchObject({ data: { orderChanged: { id: '4' } } })
  })

  test('resumes after a cursor, and tells a gap without ending', async () => {
    await live(0)
    const cursor = await publishOrder('eu', order(1, 'carol'))
    await publishOrder('eu', order(2, 'carol'))
    await publishOrder('eu', order(3, 'carol'))
    await using carol = await eventClient(gateway, 'carol')
    const resume = 'subscription ($after: Cursor) { orderChanged(customerId: "carol", after: $after) { id } }'
    const events = carol.listen(resume, { after: cursor })
    expect(await events.next()).toMatchObject({ data: { orderChanged: { id: '2' } } })
    expect(await events.next()).toMatchObject({ data: { orderChanged: { id: '3' } } })
    const lost = carol.listen(resume, { after: 'nonsense' })
    expect(await lost.next()).toEqual({
      data: { orderChanged: null },
      extensions: {
        warren: { cursor: expect.any(String), gap: { reason: 'INVALID_CURSOR', oldest: expect.any(String) } },
      },
    })
    await live(2)
    await publishOrder('eu', order(4, 'carol'))
    const answers = [await events.next(), await lost.next()]
    expect(answers).toMatchObject([{ data: { orderChanged: { id: '4' } } }, { data: { orderChanged: { id: '4' } } }])
  })

  test('a message that does not fit is not delivered, and the others are', async () => {
    await live(0)
    await using dave = await eventClient(gateway, 'dave')
    const events = dave.listen(ids, { id: 'dave' })
    await live(1)
    await publishOrder('eu', { ...order(1, 'dave'), total: 'many' })
    await publishOrder('eu', { customer: { id: 'dave' } })
    await publishOrder('eu', order(2, 'dave'))
    expect(await events.next()).toMatchObject({ data: { orderChanged: { id: '2' } } })
  })

  test('a union has the member of each event type, and a gap of its own', async () => {
    await live(0)
    await using client = await eventClient(gateway, 'erin', ['shipping:read'])
    const query = `subscription ($id: ID!, $after: Cursor) { shipment(id: $id, after: $after) {
      __typename ... on ShipmentPacked { id weight } ... on ShipmentDelivered { id signedBy } ... on EventGap { reason cursor }
    } }`
    const events = client.listen(query, { id: 's1', after: 'nonsense' })
    expect(await events.next()).toMatchObject({
      data: { shipment: { __typename: 'EventGap', reason: 'INVALID_CURSOR' } },
    })
    await live(1)
    const send = (type: string, data: unknown, key = 'shipment.s1.x') =>
      publish(gateway, { exchange: 'shipping', routingKey: key, type, data })
    await send('shipment.packed', { id: 1, weight: 2 })
    await send('shipment.lost', { id: 1 })
    await send('shipment.packed', { id: 2, weight: 2 }, 'shipment.s2')
    await send('shipment.delivered', { id: 1 })
    expect(await events.next()).toMatchObject({
      data: { shipment: { __typename: 'ShipmentPacked', id: '1', weight: 2 } },
    })
    expect(await events.next()).toMatchObject({
      data: { shipment: { __typename: 'ShipmentDelivered', signedBy: null } },
    })
  })

  test.each([
    ['another owner', 'mallory', [], ids, { id: 'alice' }, 'FORBIDDEN'],
    ['a missing scope', 'mallory', [], 'subscription { shipment(id: 1) { __typename } }', {}, 'FORBIDDEN'],
    ['no token', undefined, [], ids, { id: 'alice' }, 'UNAUTHENTICATED'],
    ['an empty list', 'alice', [], ids, { id: 'alice', status: [] }, 'BAD_USER_INPUT'],
  ])('is refused: %s', async (_what, clientId, scope, query, variables, code) => {
    await using client = await eventClient(gateway, clientId, scope)
    expect(await client.listen(query, variables).next()).toMatchObject({ errors: [{ extensions: { code } }] })
  })

  test('is explained by trace, for each field that reads the message', async () => {
    await live(0)
    await using frank = await eventClient(gateway, 'frank')
    await using ships = await eventClient(gateway, undefined, ['operator'])
    const orders = frank.listen(ids, { id: 'frank', region: 'eu' })
    const shipments = ships.listen('subscription { shipment(id: 9) { __typename } }')
    await live(2)
    const send = (messageId: string, exchange: string, routingKey: string, data: unknown, type?: string) =>
      publish(gateway, { exchange, routingKey, data, messageId, ...(type === undefined ? {} : { type }) })
    await send('t1', 'orders', 'orders.eu.x', order(1, 'frank'))
    await send('t2', 'orders', 'orders.eu.x', order(1, 'grace'))
    await send('t3', 'orders', 'orders.us.x', order(1, 'frank'))
    await send('t4', 'orders', 'orders.eu.x', { ...order(1, 'frank'), total: 'many' })
    await send('t5', 'shipping', 'shipment.9', { id: 1 }, 'shipment.lost')
    await send('t6', 'shipping', 'shipment.8', { id: 1, weight: 1 }, 'shipment.packed')
    await orders.next()
    expect(shipments.waiting).toEqual([])
    type Trace = { trace: { messages: { outcome: string; fields: unknown[] }[] }[] }
    const traceOf = async (id: string) => {
      const query =
        'query ($id: ID!) { trace(messageId: $id) { messages { outcome fields { field outcome detail } } } }'
      const { trace } = await operate<Trace>(gateway, gateway.operatorToken, { query, variables: { id } })
      return trace[0]?.messages[0]
    }
    const field = 'orderChanged'
    expect(await traceOf('t1')).toEqual({ outcome: 'DELIVERED', fields: [{ field, outcome: 'MATCHED', detail: null }] })
    expect(await traceOf('t2')).toEqual({
      outcome: 'NO_SUBSCRIBER',
      fields: [{ field, outcome: 'NOT_MATCHED', detail: 'customerId' }],
    })
    expect(await traceOf('t3')).toMatchObject({ fields: [{ outcome: 'NOT_MATCHED', detail: 'region' }] })
    expect(await traceOf('t4')).toMatchObject({
      outcome: 'INVALID',
      fields: [{ outcome: 'INVALID', detail: expect.stringMatching(/^\/total: expected/) }],
    })
    expect(await traceOf('t5')).toMatchObject({
      outcome: 'FILTERED',
      fields: [{ field: 'shipment', outcome: 'FILTERED' }],
    })
    expect(await traceOf('t6')).toMatchObject({ fields: [{ outcome: 'NOT_MATCHED', detail: 'id' }] })
  })

  test.each(['operator', 'observe', 'event:orderChanged', 'event:*'])(
    'a token with %s sees any owner',
    async (word) => {
      await live(0)
      await using client = await eventClient(gateway, undefined, [word])
      const events = client.listen(ids, { id: 'zoe' })
      await live(1)
      await publishOrder('eu', order(1, 'zoe'))
      expect(await events.next()).toMatchObject({ data: { orderChanged: { id: '1' } } })
    },
  )
})
