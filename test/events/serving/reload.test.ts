import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { startGateway } from '../../support/gateway/gateway-process.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { eventClient, operate, publish } from './event-client.ts'

const sdl = (
  change: { arguments?: string; access?: string; exchange?: string; order?: string; more?: string } = {},
) => `
type Subscription {
  order(customer: ID! @owner ${change.arguments ?? ''}): Order
    @events(exchange: "${change.exchange ?? 'orders'}") ${change.access ?? ''}
  other: Order @events(exchange: "others") @allow
}
type Order { id: ID!  status: ${change.order ?? 'String'}  ${change.more ?? ''} }
`

let folder: string
let gateway: InProcessGateway

beforeEach(async () => {
  folder = newFolder()
  writeFileSync(join(folder, 'events.graphql'), sdl())
  gateway = await openGateway({ WARREN_SCHEMA: folder, WARREN_SCHEMA_WATCH: 'on' })
})
afterEach(async () => {
  await gateway.close()
  removeFolder(folder)
})

const change = (text: string) => writeFileSync(join(folder, 'events.graphql'), text)
const send = (id: number, exchange = 'orders', data = {}) =>
  publish(gateway, { exchange, routingKey: 'x', data: { id, customer: 'alice', status: 'PAID', ...data } })

/** Resolves when the served schema has the text. */
async function served(text: string): Promise<void> {
  await eventually(`${text} in the schema`, async () => {
    const query =
      '{ __type(name: "Order") { fields { name type { name kind } } } __schema { subscriptionType { fields { name args { name } } } } }'
    return JSON.stringify(await operate(gateway, gateway.operatorToken, { query })).includes(text)
  })
}

const query = 'subscription ($after: Cursor) { order(customer: "alice", after: $after) { id status } }'

describe('a reload of the schema', () => {
  test('that adds closes no connection, and new operations can use it', async () => {
    await using client = await eventClient(gateway, 'alice')
    const events = client.listen(query)
    await eventually('the subscription', () => gateway.gateway.hub.size === 1)
    await send(1)
    change(sdl({ arguments: 'status: String', more: 'note: String' }))
    await served('"note"')
    await send(2)
    const more = client.listen('subscription { order(customer: "alice", status: "NEW") { id note } }')
    await eventually('both subscriptions', () => gateway.gateway.hub.size === 2)
    await send(3, 'orders', { status: 'NEW', note: 'n' })
    const received = [await events.next(), await events.next(), await events.next()]
    expect(received).toMatchObject([1, 2, 3].map((id) => ({ data: { order: { id: String(id) } } })))
    expect(await more.next()).toMatchObject({ data: { order: { id: '3', note: 'n' } } })
    expect(gateway.gateway.sessions.size).toBe(1)
  })

  test('that adds an enum value closes no connection, and delivers the value', async () => {
    const withStatus = (values: string) => sdl({ order: 'Status', more: `} enum Status { ${values}` })
    change(withStatus('PAID'))
    await served('"Status"')
    await using client = await eventClient(gateway, 'alice')
    const events = client.listen(query)
    await eventually('the subscription', () => gateway.gateway.hub.size === 1)
    await send(1)
    await send(2, 'orders', { status: 'REFUNDED' })
    change(withStatus('PAID REFUNDED'))
    await eventually('the value in the schema', async () => {
      const values = { query: '{ __type(name: "Status") { enumValues { name } } }' }
      return JSON.stringify(await operate(gateway, gateway.operatorToken, values)).includes('REFUNDED')
    })
    await send(3, 'orders', { status: 'REFUNDED' })
    expect([await events.next(), await events.next(), await events.next()]).toMatchObject(
      ['PAID', null, 'REFUNDED'].map((status) => ({ data: { order: { status } } })),
    )
    expect(gateway.gateway.sessions.size).toBe(1)
  })

  test('that is broken changes nothing, and the log has each mistake with its place', async () => {
    await using running = await startGateway({ env: { WARREN_SCHEMA: folder } })
    change('type Subscription { order: Nothing @events(exchange: "orders") }')
    process.kill(running.pid, 'SIGHUP')
    const [line] = await running.printed(/the schema stays as it is.*/)
    expect(line).toContain(`${join(folder, 'events.graphql')}:1:28: `)
    change(sdl({ more: 'late: Int' }))
    process.kill(running.pid, 'SIGHUP')
    await running.printed(/the schema was read again/)
    expect(await running.metrics()).toContain('warren_event_matched_total{field="other"} 0')
  })

  test('that changes who may authorizes again, and ends what is no longer allowed', async () => {
    await using client = await eventClient(gateway, 'alice')
    await using staff = await eventClient(gateway, 'alice', ['staff'])
    const [events, allowed] = [client.listen(query), staff.listen(query)]
    await eventually('both subscriptions', () => gateway.gateway.hub.size === 2)
    change(sdl({ access: '@allow(scopes: ["staff"])' }))
    expect(await events.next()).toMatchObject({ failed: [{ extensions: { code: 'FORBIDDEN' } }] })
    await send(1)
    expect(await allowed.next()).toMatchObject({ data: { order: { id: '1' } } })
  })

  test.each([
    ['the type of a selected field', sdl({ order: 'Status', more: '} enum Status { PAID' })],
    ['the exchange', sdl({ exchange: 'orders.v2' })],
  ])('that changes %s reconnects the client, which loses nothing', async (_what, text) => {
    await using client = await eventClient(gateway, 'alice')
    await using other = await eventClient(gateway, 'alice')
    const undisturbed = other.listen('subscription { other { id } }')
    const events = client.listen(query, { after: await send(0) })
    await eventually('both subscriptions', () => gateway.gateway.hub.size === 2)
    await send(1)
    expect(await events.next()).toMatchObject({ data: { order: { id: '1' } } })
    const { sessions, hub } = gateway.gateway
    const before = new Set(sessions)
    change(text)
    const isNew = () => [...sessions].filter((session) => !before.has(session)).length
    await eventually('one new session', () => isNew() === 1 && sessions.size === 2 && hub.size === 2)
    await send(2, text.includes('orders.v2') ? 'orders.v2' : 'orders')
    await send(3, 'others')
    const seen = await events.next()
    expect(['1', '2']).toContain((seen as { data: { order: { id: string } } }).data.order.id)
    expect(await undisturbed.next()).toMatchObject({ data: { other: { id: '3' } } })
  })
})
