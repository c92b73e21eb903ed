import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { callerOf } from '../../e2e/back-end/graphql-caller.ts'
import { eventually } from '../../support/eventually.ts'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { testToken } from '../../support/gateway/gateway-process.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'

const sdl = `
type Subscription {
  orders(customer: ID! @owner, status: Status): Order @events(exchange: "orders", routingKey: "orders.{customer}")
  rooms(room: ID @owner(claim: "/rooms")): Order @events(exchange: "rooms", routingKey: "rooms.{room}")
}
enum Status { NEW PAID }
type Order { id: ID! total: Int! @filterable status: Status! }
`

let gateway: InProcessGateway
const folder = newFolder()

beforeAll(async () => {
  const file = join(folder, 'shop.graphql')
  writeFileSync(file, sdl)
  gateway = await openGateway({ WARREN_SCHEMA: file })
})
afterAll(async () => {
  await gateway.close()
  removeFolder(folder)
})

async function send(exchange: string, routingKey: string, body: object): Promise<void> {
  const properties = { contentType: 'application/json' }
  await gateway.gateway.publish({ exchange, routingKey, body: Buffer.from(JSON.stringify(body)), properties })
}

interface Position {
  readonly name: string
  readonly field: string
  readonly lag: { readonly count: number; readonly atLeast: boolean } | null
}

test('the lag of a typed field counts what its arguments, its filter and the claims of the client select', async () => {
  const token = await testToken({ sub: 'alice', rooms: ['7', '8'] })
  await using client = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token } })
  const paid = client.subscribe(
    'subscription { orders(customer: "alice", status: PAID, filter: { total: { gt: 5 } }, position: "paid") { id } }',
  )
  const rooms = client.subscribe('subscription { rooms(position: "rooms") { id } }')
  await client.request('{ gateway { version } }')
  await send('orders', 'orders.alice', { id: '1', total: 9, status: 'PAID' })
  await send('rooms', 'rooms.7', { id: '1', total: 1, status: 'NEW' })
  for (const [name, events] of [
    ['paid', paid],
    ['rooms', rooms],
  ] as const) {
    const { extensions } = (await events.next()) as { extensions?: { warren: { cursor: string } } }
    const acked = await client.request(
      'mutation ($name: String!, $cursor: Cursor!) { ack(position: $name, cursor: $cursor) }',
      {
        name,
        cursor: extensions?.warren.cursor,
      },
    )
    expect(acked.data).toEqual({ ack: true })
  }
  for (const [id, total, status] of [
    ['2', 9, 'PAID'],
    ['3', 5, 'PAID'],
    ['4', 9, 'NEW'],
    ['5', 6, 'PAID'],
  ] as const)
    await send('orders', 'orders.alice', { id, total, status })
  await send('orders', 'orders.bob', { id: '6', total: 9, status: 'PAID' })
  // It does not fit the type.
  await send('orders', 'orders.alice', { id: '7', total: 'nine', status: 'PAID' })
  for (const room of ['7', '8', '9']) await send('rooms', `rooms.${room}`, { id: '2', total: 1, status: 'NEW' })
  await rooms.next()
  await rooms.next()

  const query = '{ clientPositions(clientId: "alice") { name field lag { count atLeast } } }'
  const lagsBy = async (by: string) => {
    const { clientPositions } = await callerOf(gateway.graphqlUrl, by)<{ clientPositions: Position[] }>(query)
    return Object.fromEntries(clientPositions.map(({ name, lag }) => [name, lag]))
  }
  const known = { count: 2, atLeast: false }
  await eventually('the replica to have read all', async () => (await lagsBy(token))['rooms']?.count === 2)
  expect(await lagsBy(token)).toEqual({ paid: known, rooms: known })
  // Which rooms are hers is in her token only.
  expect(await lagsBy(gateway.operatorToken)).toEqual({ paid: known, rooms: null })
})
