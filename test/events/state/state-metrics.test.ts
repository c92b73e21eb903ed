import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { eventClient, publish } from '../serving/event-client.ts'

let gateway: InProcessGateway
beforeAll(async () => {
  gateway = await openGateway({ WARREN_SCHEMA: 'test/events/state/orders.sdl.txt', WARREN_MAX_STATE_KEYS: '2' })
})
afterAll(() => gateway.close())

const courier = (id: string) =>
  publish(gateway, { exchange: 'couriers', routingKey: '', type: 'courier.moved', data: { id, x: 1 } })

/** The values of `warren_state_*` of a field, by the rest of their names. */
async function valuesOf(field: string): Promise<Record<string, number>> {
  const lines = (await gateway.metrics()).matchAll(/^warren_state_(\w+)\{field="(\w+)"\} (\d+)$/gm)
  return Object.fromEntries([...lines].flatMap(([, name, of, value]) => (of === field ? [[name, Number(value)]] : [])))
}

function becomes(field: string, expected: Record<string, number>): Promise<unknown> {
  return eventually(`the series of ${field}`, async () => {
    const values = await valuesOf(field)
    return Object.entries(expected).every(([name, value]) => values[name] === value)
  })
}

test('the metrics show what the state of each field holds, who folds it, what it served, and that it is full', async () => {
  for (const id of ['a', 'b', 'a']) await courier(id)
  await becomes('couriers', { folding: 1, keys: 2, folded_total: 3, lag: 0 })
  await using client = await eventClient(gateway, undefined)
  const events = client.listen('subscription { couriers { ... on CourierMoved { id } } }')
  await events.next()
  await events.next()
  await becomes('couriers', { snapshots_total: 1 })
  const { bytes, offset } = await valuesOf('couriers')
  expect(bytes).toBeGreaterThan(20)
  expect(offset).toBe(
    gateway.gateway.states?.folder.folds.find(({ definition }) => definition.field === 'couriers')?.offset,
  )
  await courier('c')
  await becomes('couriers', { full: 1, folding: 0 })
  expect(await valuesOf('orders')).toEqual({
    keys: 0,
    bytes: 0,
    lag: expect.any(Number),
    offset: expect.any(Number),
    folding: 1,
    full: 0,
    folded_total: 0,
    snapshots_total: 0,
    missed_total: 0,
  })
})
