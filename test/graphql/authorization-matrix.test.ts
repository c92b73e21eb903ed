import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { schema } from '../../src/graphql/schema.ts'
import { connectGraphql, type GraphqlClient, type Result } from '../support/frames/graphql-frames.ts'
import { type InProcessGateway, openGateway } from '../support/gateway/gateway-in-process.ts'
import { testToken } from '../support/gateway/gateway-process.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'

/** The callers. Where an operation needs a channel, it is alice's. */
const roles = {
  anonymous: undefined,
  alice: { sub: 'alice' },
  bob: { sub: 'bob' },
  'a listener of a pattern that only looks like hers': { sub: 'carol', scope: 'channel:ali*' },
  'a listener of her team': { scope: 'channel:*' },
  'a listener of others': { scope: 'channel:team.#' },
  'a publisher': { scope: 'publish' },
  'a publisher to alice': { scope: 'publish:warren.events:client.alice' },
  'a publisher elsewhere': { scope: 'publish:warren.orders.#' },
  'an operator': { scope: 'operator' },
  'an observer': { scope: 'observe' },
  'a word that grants nothing': { scope: 'admin OPERATOR operators' },
} as const
type Role = keyof typeof roles
const roleNames = Object.keys(roles) as Role[]
/** These count as without a token: the answer is that a token is needed. */
const unknown: readonly Role[] = ['anonymous', 'a word that grants nothing']

const everybody = roleNames
const listeners: readonly Role[] = ['alice', 'a listener of her team', 'an operator']
const publishers: readonly Role[] = ['a publisher', 'a publisher to alice', 'an operator']
const operators: readonly Role[] = ['an operator']
/** Of what operators may do, the part that only reads. */
const observers: readonly Role[] = ['an operator', 'an observer']

/** Who may see whether alice is online. */
const watchers: readonly Role[] = [...listeners, 'an observer']
/** The same of a client that does not exist. */
const teamWatchers: readonly Role[] = ['a listener of her team', 'an operator', 'an observer']

interface Asked {
  readonly field: string
  readonly query: string
  readonly allowed: readonly Role[]
}

const input = '{ clientId: "dave", name: "Dave", email: "d@example.com", password: "correct horse" }'
const operations: readonly Asked[] = [
  { field: 'gateway', query: '{ gateway { broker } }', allowed: everybody },
  { field: 'clientChannel', query: '{ clientChannel(clientId: "alice") { name cursor } }', allowed: listeners },
  {
    field: 'clientPositions',
    query: '{ clientPositions(clientId: "alice") { name } }',
    allowed: ['alice', 'an operator', 'an observer'],
  },
  {
    field: 'deletePosition',
    query: 'mutation { deletePosition(clientId: "alice", name: "phone") }',
    allowed: ['alice', 'an operator'],
  },
  { field: 'history', query: '{ history(clientId: "alice") { hasMore } }', allowed: listeners },
  { field: 'trace', query: '{ trace(messageId: "m") { replica } }', allowed: observers },
  { field: 'rabbitChannels', query: '{ rabbitChannels { id } }', allowed: observers },
  { field: 'replicas', query: '{ replicas { name } }', allowed: observers },
  { field: 'clients', query: '{ clients { hasMore } }', allowed: observers },
  { field: 'client', query: '{ client(clientId: "alice") { online } }', allowed: observers },
  { field: 'endedSessions', query: '{ endedSessions { unanswered } }', allowed: observers },
  { field: 'sessions', query: '{ sessions(clientId: "alice") { banned } }', allowed: observers },
  { field: 'disconnect', query: 'mutation { disconnect(session: "none") }', allowed: operators },
  { field: 'gatewayHistory', query: '{ gatewayHistory { stepMs } }', allowed: observers },
  { field: 'journalHistogram', query: '{ journalHistogram(bins: 2) { lastOffset } }', allowed: observers },
  { field: 'undrain', query: 'mutation { undrain(replica: "REPLICA") { state } }', allowed: operators },
  { field: 'messages', query: '{ messages(first: 1) { hasOlder } }', allowed: observers },
  { field: 'message', query: 'query { message(cursor: "CURSOR") { offset } }', allowed: observers },
  { field: 'sources', query: '{ sources { id } }', allowed: observers },
  { field: 'exchangesLike', query: '{ exchangesLike(name: "ordres") }', allowed: observers },
  { field: 'preview', query: '{ preview(input: { routingKey: "m.{clientId}" }) { exists } }', allowed: observers },
  { field: 'quarantine', query: '{ quarantine { count } }', allowed: observers },
  { field: 'broker', query: '{ broker { up } }', allowed: observers },
  { field: 'configuration', query: '{ configuration { replicas } }', allowed: observers },
  { field: 'typedFields', query: '{ typedFields { hash } }', allowed: observers },
  { field: 'inferSchema', query: '{ inferSchema(exchange: "warren.events") { messages } }', allowed: observers },
  { field: 'drop', query: 'mutation { drop(ids: ["none"]) { missing } }', allowed: operators },
  { field: 'dropUndeliverable', query: 'mutation { dropUndeliverable }', allowed: operators },
  { field: 'presence', query: '{ presence(clientIds: ["alice"]) { online } }', allowed: watchers },
  { field: 'presence', query: '{ presence(clientIds: ["nobody-17"]) { online } }', allowed: teamWatchers },
  { field: 'presence', query: '{ presence { online } }', allowed: observers },
  {
    field: 'presenceChanged',
    query: 'subscription { presenceChanged(clientIds: ["alice"]) { online } }',
    allowed: watchers,
  },
  { field: 'accounts', query: '{ accounts { at } }', allowed: observers },
  { field: 'gatewayStats', query: 'subscription { gatewayStats { at } }', allowed: observers },
  {
    field: 'createClientChannel',
    query: `mutation { createClientChannel(input: ${input}) { token } }`,
    allowed: everybody,
  },
  {
    field: 'deleteClientChannel',
    query: 'mutation { deleteClientChannel(clientId: "alice") }',
    allowed: ['alice', 'an operator'],
  },
  {
    field: 'createRabbitChannel',
    query: 'mutation { createRabbitChannel(input: { routingKey: "m.{clientId}" }) { id } }',
    allowed: operators,
  },
  { field: 'deleteRabbitChannel', query: 'mutation { deleteRabbitChannel(id: "none") }', allowed: operators },
  {
    field: 'publish',
    query: 'mutation { publish(input: { clientId: "alice", data: 1 }) { messageId } }',
    allowed: publishers,
  },
  {
    field: 'publish',
    query:
      'mutation { publish(input: { exchange: "warren.events", routingKey: "client.alice", data: 1 }) { messageId } }',
    allowed: publishers,
  },
  {
    field: 'publish',
    query: 'mutation { publish(input: { exchange: "warren.quarantine", routingKey: "", data: 1 }) { messageId } }',
    allowed: [],
  },
  {
    field: 'publish',
    query: 'mutation { publish(input: { exchange: "warren.orders", routingKey: "", data: 1 }) { messageId } }',
    // It is not a source, and WARREN_PUBLISH_EXCHANGES does not name it.
    allowed: [],
  },
  { field: 'publishTestData', query: 'mutation { publishTestData(clientId: "alice", count: 1) }', allowed: publishers },
  { field: 'ban', query: 'mutation { ban(clientId: "somebody") }', allowed: operators },
  { field: 'unban', query: 'mutation { unban(clientId: "somebody") }', allowed: operators },
  { field: 'revoke', query: 'mutation { revoke(clientId: "somebody") }', allowed: operators },
  // An invalid cursor is answered at once, and only for callers that may subscribe.
  {
    field: 'channel',
    query: 'subscription { channel(clientId: "alice", after: "none") { kind } }',
    allowed: listeners,
  },
  {
    field: 'testSubscription',
    query: 'subscription { testSubscription(clientId: "alice", after: "none") { kind } }',
    allowed: operators,
  },
  {
    field: 'testField',
    query: `subscription {
      testField(clientId: "alice", field: "pings", claims: { scope: "event:pings" }, after: "none") { error }
    }`,
    allowed: operators,
  },
]

/**
 * Independent of scopes: a client with a valid token may renew it
 * (test/transports/renewal/renewed-sessions.test.ts). `drain` needs two replicas
 * (test/e2e/operator/drain.test.ts). `republish` needs a message in the quarantine
 * (test/e2e/operator/quarantine.test.ts), and the first event of `tail` a live message
 * (test/e2e/operator/tail.test.ts). `ack` is for every client, about itself
 * (test/e2e/positions.test.ts).
 */
const beyondGrants = ['ack', 'refreshSession', 'drain', 'republish', 'tail']

let gateway: InProcessGateway
/** Of a message in the journal; stands for CURSOR in an operation. */
let cursor: string
const tokens = new Map<Role, string | undefined>()
const folder = newFolder()

beforeAll(async () => {
  const file = join(folder, 'pings.graphql')
  writeFileSync(file, 'type Subscription { pings: Ping @events(exchange: "pings") } type Ping { id: ID! }')
  gateway = await openGateway({ WARREN_TEST_ROUTES: 'on', WARREN_SCHEMA: file })
  for (const role of roleNames) tokens.set(role, roles[role] && (await testToken(roles[role])))
  const published = 'mutation { publish(input: { clientId: "alice", data: 1 }) { cursor } }'
  const { data } = await transports['graphql-transport-ws']!(published, tokens.get('an operator'))
  cursor = (data!['publish'] as { cursor: string }).cursor
})
afterAll(async () => {
  for (const socket of sockets.values()) await (await socket)[Symbol.asyncDispose]()
  await gateway.close()
  removeFolder(folder)
})

/**
 * Runs one operation with a token over one transport and resolves to its first result. A new
 * transport is one line here.
 */
const transports: Record<string, (query: string, token: string | undefined) => Promise<Result>> = {
  'GraphQL over HTTP': async (query, token) => (await post(query, token, 'application/json')).json() as Promise<Result>,
  'GraphQL over HTTP, its newer media type': async (query, token) =>
    (await post(query, token, 'application/graphql-response+json')).json() as Promise<Result>,
  'server-sent events': async (query, token) => firstEvent(await post(query, token, 'text/event-stream')),
  'graphql-transport-ws': async (query, token) =>
    ask(await socketOf(token, token ? { connectionParams: { token } } : {}), query),
  'graphql-transport-ws with the header on the upgrade': async (query, token) =>
    ask(await socketOf(token, token ? { headers: { authorization: `Bearer ${token}` } } : {}), query),
  "graphql-transport-ws with a token in the operation's headers": async (query, token) =>
    ask(await socketOf(token, {}), query, token ? { headers: { Authorization: `Bearer ${token}` } } : {}),
}

/** The open WebSockets: all operations of a caller over one transport use the same one. */
const sockets = new Map<string, Promise<GraphqlClient>>()

function socketOf(token: string | undefined, options: Parameters<typeof connectGraphql>[1]): Promise<GraphqlClient> {
  const key = JSON.stringify([token, options])
  const open = sockets.get(key) ?? connectGraphql(gateway.graphqlSocketUrl, options)
  sockets.set(key, open)
  return open
}

let asked = 0

async function ask({ frames }: GraphqlClient, query: string, extensions = {}): Promise<Result> {
  const id = `asked-${++asked}`
  frames.send({ id, type: 'subscribe', payload: { query, extensions } })
  const { type, payload } = JSON.parse(await frames.nextMatching((text) => text.includes(`"${id}"`))) as {
    type: string
    payload: unknown
  }
  if (type === 'error') return { errors: payload as NonNullable<Result['errors']> }
  // Ends a subscription.
  frames.send({ id, type: 'complete' })
  return payload as Result
}

const subscriptions = ['channel', 'gatewayStats', 'presenceChanged', 'testField', 'testSubscription']
/** Over plain HTTP a subscription has no response. */
const overHttpAlone = /^GraphQL over HTTP/

describe.each(Object.keys(transports))('over %s', (transport) => {
  const applicable = operations.filter(({ field }) => !subscriptions.includes(field) || !overHttpAlone.test(transport))
  test.each(applicable)('$query is for permitted roles only', async ({ query, allowed }) => {
    const asked = query.replace('CURSOR', cursor).replace('REPLICA', gateway.gateway.replica)
    const outcomes = roleNames.map(async (role) => [
      role,
      outcomeOf(await transports[transport]!(asked, tokens.get(role))),
    ])
    const expected = roleNames.map((role) => [
      role,
      allowed.includes(role) ? 'answered' : unknown.includes(role) ? 'UNAUTHENTICATED' : 'FORBIDDEN',
    ])
    expect(Object.fromEntries(await Promise.all(outcomes))).toEqual(Object.fromEntries(expected))
  })
})

test('no field of the schema is missing from the matrix', () => {
  const fields = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].flatMap((type) =>
    Object.keys(type?.getFields() ?? {}),
  )
  expect(fields.toSorted()).toEqual([...new Set([...operations.map(({ field }) => field), ...beyondGrants])].toSorted())
})

function post(query: string, token: string | undefined, accept: string): Promise<Response> {
  return fetch(gateway.graphqlUrl, {
    method: 'POST',
    headers: {
      accept,
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query }),
  })
}

async function firstEvent({ body }: Response): Promise<Result> {
  let text = ''
  // Leaving the loop cancels the response.
  for await (const piece of body!.pipeThrough(new TextDecoderStream())) {
    text += piece
    const data = /^data: (\{.*\})$/m.exec(text)?.[1]
    if (data !== undefined) return JSON.parse(data) as Result
  }
  throw new Error(`no event: ${text}`)
}

function outcomeOf({ data, errors }: Result): string {
  if (errors) return String(errors[0]?.extensions?.['code'])
  return data ? 'answered' : 'nothing'
}
