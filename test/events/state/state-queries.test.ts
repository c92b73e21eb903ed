import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { hmacSigner } from '../../../src/auth/tokens/jwt.ts'
import { eventually } from '../../support/eventually.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { testSecret } from '../../support/gateway/gateway-process.ts'
import { clientWith, type Received } from '../serving/event-client.ts'

let gateway: InProcessGateway
beforeAll(async () => {
  gateway = await openGateway({ WARREN_SCHEMA: 'test/events/state/board.sdl.txt', WARREN_MAX_STATE_KEYS: '20' })
})
afterAll(() => gateway.close())

const signer = hmacSigner({ secret: testSecret })
const tokenOf = async (clientId: string | undefined, scope: readonly string[] = []) =>
  (await signer.sign({ clientId, scope, ttlSeconds: 3_600 })).token

interface Connection {
  readonly nodes: readonly Record<string, unknown>[]
  readonly endCursor: string | null
  readonly hasMore: boolean
  readonly cursor: string
}
interface Answer {
  readonly data?: Readonly<Record<string, Connection>> | null
  readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code: string } }[]
}

async function ask(token: string | undefined, query: string, variables: object = {}): Promise<Answer> {
  const response = await fetch(gateway.graphqlUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables }),
  })
  return (await response.json()) as Answer
}

async function pageOf(token: string | undefined, query: string, variables?: object): Promise<Connection> {
  const { data, errors } = await ask(token, query, variables)
  const [page] = Object.values(data ?? {})
  if (!page) throw new Error(JSON.stringify(errors))
  return page
}

/** Publishes to the exchange of a field, and waits until its state has the message. */
async function publish(field: string, type: string, data: unknown, headers?: Record<string, string>): Promise<void> {
  const entry = await gateway.gateway.publish({
    exchange: field,
    routingKey: '',
    body: Buffer.from(JSON.stringify(data)),
    properties: { contentType: 'application/json', type, ...(headers && { headers }) },
  })
  const offset = entry?.offset ?? Number.POSITIVE_INFINITY
  await eventually(`${type} to be folded`, () =>
    gateway.gateway.states?.folder.folds.some(
      ({ definition, head }) => definition.field === field && (head.place?.offset ?? -1) >= offset,
    ),
  )
}

const order = (customerId: string, id: string, total: number, status = 'PAID') =>
  publish('orders', 'order.changed', { id, customerId, total, status, margin: total - 1 })

const orders = `query ($id: ID!, $first: Int, $after: String, $filter: OrderFilter) {
  ordersState(customerId: $id, first: $first, after: $after, filter: $filter) {
    nodes { id total } endCursor hasMore cursor
  }
}`

describe('the query for a state', () => {
  test('has pages, and a cursor after which a subscription misses nothing, removed keys included', async () => {
    const token = await tokenOf('alice')
    const client = await clientWith(gateway, token)
    for (const [id, total] of [
      ['a1', 10],
      ['a2', 20],
      ['a3', 30],
    ] as const)
      await order('alice', id, total)
    await order('bob', 'b1', 5)
    await order('alice', 'a1', 11)
    const first = await pageOf(token, orders, { id: 'alice', first: 2 })
    expect(first).toEqual({
      nodes: [
        { id: 'a2', total: 20 },
        { id: 'a3', total: 30 },
      ],
      endCursor: expect.any(String),
      hasMore: true,
      cursor: expect.any(String),
    })
    await order('alice', 'a1', 12)
    await publish('orders', 'order.deleted', { id: 'a2', customerId: 'alice' })
    const rest = await pageOf(token, orders, { id: 'alice', after: first.endCursor })
    expect(rest).toEqual({
      nodes: [{ id: 'a1', total: 12 }],
      endCursor: null,
      hasMore: false,
      cursor: first.cursor,
    })
    const events = client.listen(
      'subscription ($after: Cursor) { orders(customerId: "alice", after: $after) { id total } }',
      { after: rest.cursor },
    )
    expect(await events.next()).toMatchObject({ data: { orders: { id: 'a1', total: 12 } } })
    expect(await events.next()).toMatchObject({
      data: { orders: null },
      extensions: { warren: { removed: 'a2' } },
    })
    expect(await pageOf(token, orders, { id: 'alice' })).toMatchObject({ nodes: [{ id: 'a3' }, { id: 'a1' }] })
    await client[Symbol.asyncDispose]()
  })

  test('takes the arguments and the filter of the field', async () => {
    const token = await tokenOf('carol')
    await order('carol', 'c1', 1, 'OPEN')
    await order('carol', 'c2', 2)
    await order('carol', 'c3', 3)
    const open = '{ ordersState(customerId: "carol", status: ["OPEN"]) { nodes { id } hasMore } }'
    expect(await pageOf(token, open)).toEqual({ nodes: [{ id: 'c1' }], hasMore: false })
    expect(await pageOf(token, orders, { id: 'carol', filter: { total: { gt: 2 } } })).toMatchObject({
      nodes: [{ id: 'c3' }],
    })
    expect(await pageOf(await tokenOf('nobody'), orders, { id: 'nobody' })).toEqual({
      nodes: [],
      endCursor: null,
      hasMore: false,
      cursor: expect.any(String),
    })
  })

  test('never has a removed key, whatever form the field has for it', async () => {
    const query = '{ couriersState { nodes { __typename ... on CourierMoved { id x } } } }'
    await publish('couriers', 'courier.moved', { id: 'k1', x: 1 })
    await publish('couriers', 'courier.moved', { id: 'k2', x: 2 })
    await publish('couriers', 'courier.gone', { id: 'k1' })
    expect(await pageOf(undefined, query)).toEqual({ nodes: [{ __typename: 'CourierMoved', id: 'k2', x: 2 }] })
  })

  test('answers what a page may not ask for with the name of the argument', async () => {
    const token = await tokenOf('alice')
    const refused = async (variables: object) => (await ask(token, orders, { id: 'alice', ...variables })).errors?.[0]
    for (const first of [0, 1_001, -1])
      expect(await refused({ first })).toMatchObject({
        message: `first: expected a number from 1 to 1000, got ${first}`,
        extensions: { code: 'BAD_USER_INPUT', field: 'first' },
      })
    expect(await refused({ after: 'nonsense' })).toMatchObject({
      message: 'after: expected the endCursor of the page before, got "nonsense"',
      extensions: { code: 'BAD_USER_INPUT', field: 'after' },
    })
    await publish('devices', 'device', { site: 's', text: 'on' }, { device: 'd1' })
    await publish('devices', 'device', { site: 's', text: 'on' }, { device: 'd2' })
    const devices = 'query ($after: String) { devicesState(first: 1, after: $after) { nodes { text } endCursor } }'
    const { endCursor } = await pageOf(gateway.operatorToken, devices)
    expect(await refused({ after: endCursor })).toMatchObject({
      message: expect.stringContaining('it is of another field'),
      extensions: { code: 'BAD_USER_INPUT', field: 'after' },
    })
    // The price of a page grows with its size.
    const many = Array.from(
      { length: 50 },
      (_, at) => `s${at}: ordersState(customerId: "alice", first: 1000) { nodes { id total } }`,
    )
    expect(await ask(token, `{ ${many.join(' ')} }`)).toMatchObject({
      errors: [{ message: 'this operation has a cost of 4550, and at most 1000 is allowed' }],
    })
  })
})

describe('a caller may query the state exactly where it may subscribe', () => {
  const callers = {
    'without a token': undefined,
    alice: { clientId: 'alice' },
    bob: { clientId: 'bob' },
    'alice, who may see margins': { clientId: 'alice', scope: ['margins'] },
    'a token for another field': { scope: ['event:couriers'] },
    'a token for the field': { scope: ['event:orders'] },
    'a token for all fields': { scope: ['event:*'] },
    'a publisher': { scope: ['publish'] },
    'an observer': { scope: ['observe'] },
    'an operator': { scope: ['operator'] },
  } as const satisfies Record<string, { clientId?: string; scope?: readonly string[] } | undefined>
  const uses = {
    'the own orders': ['orders', '(customerId: "alice")', '{ id }'],
    'the margin of the own orders': ['orders', '(customerId: "alice")', '{ id margin }'],
    'a filter by margin': ['orders', '(customerId: "alice", filter: { margin: { gt: 1 } })', '{ id }'],
    'a field for everybody': ['couriers', '', '{ __typename }'],
    'a field with neither @owner nor @allow': ['devices', '', '{ text }'],
  } as const

  const outcomeOf = (received: Received | Answer): string => {
    const errors = 'failed' in received ? received.failed : 'errors' in received ? received.errors : undefined
    const [error] = errors ?? []
    if (!error) return 'allowed'
    const { message, extensions } = error as { message: string; extensions: { code: string } }
    return `${extensions.code}: ${message}`
  }

  test.each(Object.keys(uses) as (keyof typeof uses)[])('%s', async (use) => {
    await order('alice', 'a9', 9)
    await publish('couriers', 'courier.moved', { id: 'k9', x: 1 })
    await publish('devices', 'device', { site: 's', text: 'on' }, { device: 'd9' })
    const [field, args, selection] = uses[use]
    const outcomes: Record<string, string> = {}
    for (const [name, caller] of Object.entries(callers)) {
      const { clientId, scope } = (caller ?? {}) as { clientId?: string; scope?: readonly string[] }
      const token = caller ? await tokenOf(clientId, scope) : undefined
      const client = await clientWith(gateway, token)
      const subscribed = outcomeOf(await client.listen(`subscription { ${field}${args} ${selection} }`).next())
      await client[Symbol.asyncDispose]()
      const queried = outcomeOf(await ask(token, `{ ${field}State${args} { nodes ${selection} } }`))
      expect([name, queried]).toEqual([name, subscribed])
      outcomes[name] = queried.split(':')[0] ?? ''
    }
    // A rule that refuses all callers, or none, would prove nothing.
    expect(Object.values(outcomes)).toContain('allowed')
    if (use !== 'a field for everybody') {
      expect(outcomes).toMatchObject({ 'without a token': 'UNAUTHENTICATED', bob: 'FORBIDDEN' })
    }
  })
})

test('a state that exceeds its bounds is not served', async () => {
  for (let key = 0; key < 22; key += 1) {
    await gateway.gateway.publish({
      exchange: 'devices',
      routingKey: '',
      body: Buffer.from('{"site":"s"}'),
      properties: { contentType: 'application/json', headers: { device: `many${key}` } },
    })
  }
  await eventually('the state to be full', () =>
    gateway.gateway.states?.counts.some(({ field, full }) => field === 'devices' && full),
  )
  expect(await ask(gateway.operatorToken, '{ devicesState(site: "s") { nodes { text } } }')).toMatchObject({
    errors: [{ extensions: { code: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_STATE_KEYS' } }],
  })
})
