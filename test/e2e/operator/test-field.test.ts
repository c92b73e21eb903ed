import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import amqp, { type ChannelModel, type ConfirmChannel } from 'amqplib'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import { testToken } from '../../support/gateway/gateway-process.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { openTwoReplicas, type TwoReplicas } from './two-replicas.ts'

const sdl = `
type Subscription {
  orders(customer: ID! @owner, status: String): Order @events(exchange: "orders", routingKey: "orders.{customer}")
  fleet(depot: ID! @owner(claim: "/depots")): Courier @events(exchange: "fleet", routingKey: "{depot}")
    @state(key: "/id", deleteOn: ["left"])
}
type Order { id: ID!  status: String!  cost: Int @allow(scopes: ["event:costs"]) }
type Courier { id: ID!  name: String! }
`

let replicas: TwoReplicas
let connection: ChannelModel
let channel: ConfirmChannel
const folder = newFolder()

beforeAll(async () => {
  const file = join(folder, 'shop.graphql')
  writeFileSync(file, sdl)
  replicas = await openTwoReplicas('test-field', { WARREN_SCHEMA: file })
  connection = await amqp.connect(replicas.vhost.url)
  channel = await connection.createConfirmChannel()
})
afterAll(async () => {
  await connection?.close()
  await replicas?.[Symbol.asyncDispose]()
  removeFolder(folder)
})

async function send(exchange: string, key: string, body: unknown, type?: string): Promise<void> {
  channel.publish(exchange, key, Buffer.from(JSON.stringify(body)), { contentType: 'application/json', type })
  await channel.waitForConfirms()
}

const query = `subscription ($field: String!, $claims: JSON, $after: Cursor) {
  testField(clientId: "alice", field: $field, claims: $claims, after: $after) {
    value removedKey error event { kind cursor exchange data }
  }
}`

async function operator() {
  return connectGraphql(replicas.a.graphqlSocketUrl, {
    connectionParams: { token: await testToken({ sub: 'nadia', scope: 'operator' }) },
  })
}

test('the operator sees what the client would get: its value, its conditions, what it may select', async () => {
  await using connected = await operator()
  const plain = connected.subscribe(query, { field: 'orders?customer=alice&status=PAID' })
  const allowed = connected.subscribe(query, { field: 'orders?customer=alice', claims: { scope: 'event:costs' } })
  // The answer to a later request shows that both have begun.
  await connected.request('{ gateway { version } }')
  await send('orders', 'orders.bob', { id: '1', status: 'PAID' })
  await send('orders', 'orders.alice', { id: '2', status: 'NEW', cost: 4 })
  await send('orders', 'orders.alice', { id: '3', status: 'PAID', cost: 5 })
  expect((await plain.next()).data).toMatchObject({
    testField: {
      value: { id: '3', status: 'PAID' },
      error: null,
      removedKey: null,
      event: { kind: 'MESSAGE', exchange: 'orders', data: { id: '3', status: 'PAID', cost: 5 } },
    },
  })
  expect((await allowed.next()).data).toMatchObject({ testField: { value: { id: '2', status: 'NEW', cost: 4 } } })
  const { data } = await allowed.next()
  expect(data).toMatchObject({ testField: { value: { id: '3', cost: 5 } } })
  const { presence } = await replicas.onB<{ presence: { online: boolean }[] }>(
    '{ presence(clientIds: ["alice"]) { online } }',
  )
  expect(presence).toMatchObject([{ online: false }])
})

test('keyed state begins with the state, and a removed key is named', async () => {
  await send('fleet', 'north', { id: 'c1', name: 'Ada' }, 'moved')
  await send('fleet', 'south', { id: 'c2', name: 'Bo' }, 'moved')
  await using connected = await operator()
  const couriers = connected.subscribe(query, { field: 'fleet?depot=north', claims: { depots: ['north', 'east'] } })
  let first = (await couriers.next()).data
  // The state may end before the message, which then follows it.
  if ((first as { testField: { event: { kind: string } } }).testField.event.kind === 'CHECKPOINT')
    first = (await couriers.next()).data
  expect(first).toMatchObject({ testField: { value: { id: 'c1', name: 'Ada' } } })
  await send('fleet', 'north', { id: 'c1', name: 'Ada' }, 'left')
  expect((await couriers.next()).data).toMatchObject({ testField: { removedKey: 'c1' } })
})

test.each([
  [{ field: 'orders?customer=bob' }, 'FORBIDDEN', /not allow you to use Subscription.orders/],
  [
    { field: 'fleet?depot=west', claims: { depots: ['north'] } },
    'FORBIDDEN',
    /not allow you to use Subscription.fleet/,
  ],
  [{ field: 'orders' }, 'BAD_USER_INPUT', /field: expected the argument customer/],
  [{ field: 'orders?client=alice' }, 'BAD_USER_INPUT', /field: orders has no argument "client"/],
  [{ field: 'invoices?customer=alice' }, 'BAD_USER_INPUT', /field: the schema has no typed field "invoices"/],
  [{ field: 'orders?customer=alice', claims: ['north'] }, 'BAD_USER_INPUT', /claims: expected a JSON object/],
  [{ field: 'orders?customer=alice', claims: { scope: 7 } }, 'BAD_USER_INPUT', /claims: expected "scope"/],
])('%j is refused with %s', async (variables, code, message) => {
  await using connected = await operator()
  const { errors } = await connected.request(query, variables)
  expect(errors).toMatchObject([{ message: expect.stringMatching(message), extensions: { code } }])
})

test('an observer and the client itself may not open one', async () => {
  for (const claims of [{ sub: 'bo', scope: 'observe' }, { sub: 'alice' }]) {
    await using client = await connectGraphql(replicas.a.graphqlSocketUrl, {
      connectionParams: { token: await testToken(claims) },
    })
    const { errors } = await client.request(query, { field: 'orders?customer=alice' })
    expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
  }
})
