import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { connectFrames, type FrameClient } from '../../../support/frames/frames.ts'
import { connectGraphql, type GraphqlClient } from '../../../support/frames/graphql-frames.ts'
import { captureOutput } from '../../../support/gateway/captured-output.ts'
import { type InProcessGateway, openGateway } from '../../../support/gateway/gateway-in-process.ts'
import { watchHub } from '../../../support/gateway/hub-watch.ts'

const protocol = 'graphql-transport-ws'
const listen = 'subscription Listen($clientId: ID!) { channel(clientId: $clientId) { data } }'
const publish = 'mutation Publish($input: PublishInput!) { publish(input: $input) { messageId } }'
const maxMessageBytes = 64 * 1024

interface Frame {
  readonly id?: string
  readonly type: string
  readonly payload?: unknown
}

let gateway: InProcessGateway
let operator: GraphqlClient

beforeAll(async () => {
  gateway = await openGateway({ WARREN_MAX_MESSAGE_BYTES: '64KiB' })
  operator = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token: gateway.operatorToken } })
})
afterEach(() => void jest.restoreAllMocks())
afterAll(async () => {
  await operator[Symbol.asyncDispose]()
  await gateway.close()
})

/** Publishes over another socket; resolves when the broker has the message. */
async function publishTo(clientId: string, data: unknown): Promise<void> {
  const { errors } = await operator.request(publish, { input: { clientId, data } })
  expect(errors).toBeUndefined()
}

/** A socket with the client's own token and a subscription to its channel. */
async function listening(clientId: string) {
  const client = await connectGraphql(gateway.graphqlSocketUrl, {
    connectionParams: { Authorization: `Bearer ${await gateway.clientToken(clientId)}` },
  })
  const hub = watchHub(gateway.gateway.hub)
  const before = gateway.gateway.hub.size
  const operation = client.subscribe(listen, { clientId }, 'bystander')
  await hub.until(before + 1)
  return Object.assign(client, { operation })
}

async function answerTo(frames: FrameClient, payload: object): Promise<Frame> {
  const id = `asked-${Math.random()}`
  frames.send({ id, type: 'subscribe', payload })
  return frame(await frames.nextMatching((text) => frame(text).id === id))
}

function frame(text: string): Frame {
  return JSON.parse(text) as Frame
}

const many = (count: number, field: string) =>
  Array.from({ length: count }, (_, index) => `a${index}: ${field}`).join(' ')

describe('a failing operation is answered, and its socket and the other operations on it continue', () => {
  const cases: [what: string, payload: object, answer: object][] = [
    ['does not parse', { query: '{ gateway {' }, { type: 'error', code: 'GRAPHQL_PARSE_FAILED' }],
    ['asks for a field that is not there', { query: '{ nope }' }, { type: 'error', code: 'GRAPHQL_VALIDATION_FAILED' }],
    [
      'names an operation that is not there',
      { query: '{ gateway { version } }', operationName: 'Other' },
      { type: 'error', code: 'OPERATION_RESOLUTION_FAILURE' },
    ],
    [
      'lacks a variable',
      { query: 'query Q($id: ID!) { clientChannel(clientId: $id) { name } }' },
      { type: 'next', code: 'BAD_USER_INPUT', field: 'id' },
    ],
    [
      'gives a number for a cursor',
      {
        query: 'query Q($after: Cursor) { history(clientId: "bystander", after: $after) { hasMore } }',
        variables: { after: 7 },
      },
      { type: 'next', code: 'BAD_USER_INPUT', field: 'after' },
    ],
    [
      'has an argument that the gateway refuses',
      { query: '{ history(clientId: "bystander", first: 0) { hasMore } }' },
      { type: 'next', code: 'BAD_USER_INPUT', field: 'first' },
    ],
    ['asks for what is for operators', { query: '{ rabbitChannels { id } }' }, { type: 'next', code: 'FORBIDDEN' }],
    [
      'subscribes to the channel of another',
      { query: listen, variables: { clientId: 'another' } },
      { type: 'next', code: 'FORBIDDEN' },
    ],
    [
      'subscribes to a channel that there cannot be',
      { query: listen, variables: { clientId: 'with space' } },
      { type: 'next', code: 'BAD_USER_INPUT', field: 'clientId' },
    ],
    [
      'brings a token that is not valid in its headers',
      { query: '{ gateway { version } }', extensions: { headers: { Authorization: 'Bearer wrong' } } },
      { type: 'error', code: 'UNAUTHENTICATED' },
    ],
    [
      'nests too deep',
      { query: `{ a${'{ a'.repeat(20)}${'}'.repeat(20)} }` },
      { type: 'error', code: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_QUERY_DEPTH' },
    ],
    [
      'nests deeper than a parser can follow',
      { query: `mutation { publish(input: { data: ${'['.repeat(10_000)}${']'.repeat(10_000)} }) { messageId } }` },
      { type: 'error', code: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_QUERY_DEPTH' },
    ],
    [
      'asks for too much',
      { query: `{ ${many(600, 'gateway { version }')} }` },
      { type: 'error', code: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_QUERY_COST' },
    ],
    [
      'asks for too much of each event',
      { query: `subscription { channel(clientId: "bystander") { ${many(1_100, 'data')} } }` },
      { type: 'error', code: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_QUERY_COST' },
    ],
    [
      'asks for the schema again and again',
      { query: `{ ${many(10, '__schema { types { name } }')} }` },
      { type: 'error', code: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_QUERY_COST' },
    ],
    [
      'hides what it asks for in fragments of fragments',
      {
        query: `{ ...F0 } ${Array.from({ length: 20 }, (_, index) => `fragment F${index} on Query { ...F${index + 1} ...F${index + 1} }`).join(' ')}
          fragment F20 on Query { gateway { version } }`,
      },
      { type: 'error', code: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_QUERY_COST' },
    ],
    [
      'is longer than any that could be allowed',
      { query: `{ gateway { version ${'@include(if: true) '.repeat(2_500)} } }` },
      { type: 'error', code: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_QUERY_COST' },
    ],
  ]

  test.each(cases)('if it %s', async (_what, payload, expected) => {
    await using client = await listening('bystander')
    const { type, payload: answer } = await answerTo(client.frames, payload)
    const [error] = (type === 'error' ? answer : (answer as { errors: unknown }).errors) as { extensions?: object }[]
    expect({ type, code: undefined, ...error?.extensions }).toEqual(expected)

    await publishTo('bystander', { still: 'here' })
    expect(await client.operation.next()).toEqual({ data: { channel: { data: { still: 'here' } } } })
  })

  test('and over HTTP it is answered with the same error', async () => {
    await using client = await listening('bystander')
    for (const [, payload] of cases) {
      const { type, payload: answer } = await answerTo(client.frames, payload)
      const overSocket = type === 'error' ? answer : (answer as { errors: unknown }).errors
      const response = await fetch(gateway.graphqlUrl, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...('extensions' in payload ? {} : { authorization: `Bearer ${await gateway.clientToken('bystander')}` }),
        },
        body: JSON.stringify(payload),
      })
      expect({ payload, errors: ((await response.json()) as { errors: unknown }).errors }).toEqual({
        payload,
        errors: overSocket,
      })
    }
  })

  test('if it fails unexpectedly: the client receives an id, and the log has the reason under it', async () => {
    await using own = await openGateway()
    own.gateway.deleteSource = () => Promise.reject(new Error('the password of the database is hunter2'))
    await using client = await connectGraphql(own.graphqlSocketUrl, { connectionParams: { token: own.operatorToken } })
    const printed = captureOutput()
    const { errors, data } = await client.request('mutation { deleteRabbitChannel(id: "1") }').finally(printed.restore)
    expect(data).toBeNull()
    const [error] = errors ?? []
    const id = error?.extensions?.['id']
    expect(error).toEqual({
      message: `Unexpected error; the gateway's log has it under ${String(id)}`,
      locations: [{ line: 1, column: 12 }],
      path: ['deleteRabbitChannel'],
      extensions: { code: 'INTERNAL_SERVER_ERROR', id: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    })
    const line = printed.lines().find((text) => text.includes(String(id)))
    expect(line).toContain('hunter2')
    expect(await client.request('{ gateway { broker } }')).toEqual({ data: { gateway: { broker: 'UP' } } })
  })
})

describe('a subscription', () => {
  test('to a channel that is deleted ends with CHANNEL_NOT_FOUND, and its socket stays open', async () => {
    await operator.request(
      'mutation { createClientChannel(input: { clientId: "mayfly", name: "m", email: "m@example.com", password: "correct horse" }) { token } }',
    )
    await using client = await listening('mayfly')
    await operator.request('mutation { deleteClientChannel(clientId: "mayfly") }')
    expect(await client.operation.ended).toMatchObject([{ extensions: { code: 'CHANNEL_NOT_FOUND' } }])
    expect(await client.request('{ gateway { broker } }')).toEqual({ data: { gateway: { broker: 'UP' } } })
  })

  test('that is completed makes room for another with the same id at once', async () => {
    await using client = await listening('reuser')
    const hub = watchHub(gateway.gateway.hub)
    const before = gateway.gateway.hub.size
    // In one chunk, so that the gateway reads each while it still opens or closes the one before.
    for (let round = 0; round < 50; round += 1) {
      client.frames.send({
        id: 'again',
        type: 'subscribe',
        payload: { query: listen, variables: { clientId: 'reuser' } },
      })
      if (round < 49) client.frames.send({ id: 'again', type: 'complete' })
    }
    await hub.until(before + 1)
    expect(await client.request('{ gateway { broker } }')).toEqual({ data: { gateway: { broker: 'UP' } } })
    await publishTo('reuser', 1)
    await publishTo('reuser', 2)
    const next = async () => frame(await client.frames.nextMatching((text) => frame(text).id === 'again'))
    expect([await next(), await next()]).toEqual(
      [1, 2].map((data) => ({ id: 'again', type: 'next', payload: { data: { channel: { data } } } })),
    )
    client.frames.send({ id: 'again', type: 'complete' })
    await hub.until(before)
    expect(client.frames.waiting.map((text) => frame(text).id)).not.toContain('again')
  })

  test('uses the defaults of its variables, the first time and each time after', async () => {
    await using client = await listening('settled')
    const query = 'subscription ($clientId: ID! = "settled") { channel(clientId: $clientId) { clientId data } }'
    for (const round of [1, 2]) {
      const operation = client.subscribe(query)
      await client.request('{ gateway { broker } }')
      await publishTo('settled', round)
      expect(await operation.next()).toEqual({ data: { channel: { clientId: 'settled', data: round } } })
      operation.stop()
    }
  })

  test('is refused with the same text, frame for frame, if the gateway has cached its document', async () => {
    await using client = await listening('asker')
    const forgets = (error: Frame) => ({ ...error, id: undefined })
    const payloads = [
      { clientId: 'another' },
      { clientId: 'with space' },
      { clientId: null },
      { clientId: {} },
      {},
      undefined,
    ].map((variables) => ({ query: listen, variables }))
    const fresh = payloads.map((payload) => ({ ...payload, query: `${payload.query} # seen for the first time` }))
    const seen = []
    for (const payload of payloads) seen.push(forgets(await answerTo(client.frames, payload)))
    const first = []
    for (const [index, payload] of fresh.entries())
      first.push(forgets(await answerTo(client.frames, { ...payload, query: `${payload.query} ${index}` })))
    expect(seen).toEqual(first)
    expect(seen.every(({ type }) => type === 'next')).toBe(true)
  })

  test('with the id of an open one closes the socket with 4409', async () => {
    await using client = await listening('twice')
    client.subscribe(listen, { clientId: 'twice' }, 'bystander')
    expect(await client.closed).toEqual({ code: 4409, reason: 'Subscriber for bystander already exists' })

    await using other = await listening('twice')
    const long = 'é'.repeat(100)
    for (let times = 0; times < 2; times += 1) other.subscribe(listen, { clientId: 'twice' }, long)
    expect(await other.closed).toEqual({ code: 4409, reason: 'Subscriber already exists' })
  })
})

describe('limits', () => {
  test('the hundred and first subscription of a socket is refused with LIMIT_EXCEEDED and the name of the limit; closing one makes room', async () => {
    await using client = await listening('greedy')
    for (let number = 2; number <= 100; number += 1) client.subscribe(listen, { clientId: 'greedy' }, `n${number}`)
    const refused = await client.request(listen, { clientId: 'greedy' })
    expect(refused.errors).toMatchObject([
      { extensions: { code: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_SUBSCRIPTIONS' } },
    ])
    client.frames.send({ id: 'n2', type: 'complete' })
    const welcome = client.subscribe(listen, { clientId: 'greedy' })
    await publishTo('greedy', 'all of you')
    expect(await welcome.next()).toEqual({ data: { channel: { data: 'all of you' } } })
  })

  test('operations that come too fast are refused one by one', async () => {
    await using own = await openGateway({ WARREN_MAX_SUBSCRIBE_RATE: '5' })
    await using client = await connectGraphql(own.graphqlSocketUrl)
    // All in one second, on any machine.
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 2_000)
    const answers = await Promise.all(Array.from({ length: 8 }, () => client.request('{ gateway { broker } }')))
    expect(answers.filter(({ errors }) => errors === undefined)).toHaveLength(5)
    expect(answers.flatMap(({ errors }) => errors ?? [])).toMatchObject(
      Array.from({ length: 3 }, () => ({
        extensions: { code: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_SUBSCRIBE_RATE' },
      })),
    )
  })

  test('a connection too many is asked to try again later', async () => {
    await using own = await openGateway({ WARREN_MAX_CONNECTIONS: '1' })
    await using first = await connectGraphql(own.graphqlSocketUrl)
    await using second = await connectFrames(own.graphqlSocketUrl, { protocol })
    second.send({ type: 'connection_init' })
    expect(await second.closed).toEqual({ code: 1013, reason: 'Try again later' })
    expect(await first.request('{ gateway { connections } }')).toEqual({ data: { gateway: { connections: 1 } } })
  })

  test('a frame that is too large closes its socket with 1009; other sockets still receive events', async () => {
    await using client = await listening('bystander')
    await using other = await connectGraphql(gateway.graphqlSocketUrl)
    const printed = captureOutput()
    other.frames.send(`{"type":"ping","payload":{"padding":"${'x'.repeat(maxMessageBytes)}"}}`)
    expect((await other.closed).code).toBe(1009)
    printed.restore()
    expect(printed.lines()).toEqual([])
    await publishTo('bystander', 'still here')
    expect(await client.operation.next()).toEqual({ data: { channel: { data: 'still here' } } })
  })
})

describe('a client that breaks the protocol is closed with its code:', () => {
  const init = { type: 'connection_init' }
  const ask = { id: '1', type: 'subscribe', payload: { query: '{ gateway { version } }' } }
  test.each<[string, (object | string)[], number]>([
    ['an invalid token', [{ ...init, payload: { token: 'not-a-token' } }], 4403],
    ['a scheme other than Bearer', [{ ...init, payload: { Authorization: 'Basic YTpi' } }], 4403],
    ['an operation before connection_init', [ask], 4401],
    ['two connection_inits', [init, init], 4429],
    ['invalid JSON', ['{'], 4400],
    ['JSON that is not a message', ['"subscribe"'], 4400],
    ['a message without a type', [{ id: '1' }], 4400],
    ['an operation without a query', [init, { ...ask, payload: {} }], 4400],
    ['an operation without an id', [init, { ...ask, id: undefined }], 4400],
  ])('%s', async (_what, frames, code) => {
    await using client = await connectFrames(gateway.graphqlSocketUrl, { protocol })
    for (const one of frames) client.send(one)
    expect((await client.closed).code).toBe(code)
  })

  test.each([[undefined], ['graphql-sse']])('no subprotocol of the gateway: %s', async (offered) => {
    const client = connectFrames(gateway.graphqlSocketUrl, offered === undefined ? {} : { protocol: offered })
    // As a client, ws closes by itself if the server accepts none of its subprotocols.
    if (offered !== undefined) await expect(client).rejects.toThrow('subprotocol')
    else expect((await (await client).closed).code).toBe(4406)
  })

  test('an invalid token in the header of the upgrade', async () => {
    const headers = { authorization: 'Bearer not-a-token' }
    await using client = await connectFrames(gateway.graphqlSocketUrl, { protocol, headers })
    client.send(init)
    expect(await client.closed).toEqual({ code: 4403, reason: 'Forbidden' })
  })
})

describe('credentials', () => {
  test('may come with each operation, as from the Headers tab of GraphiQL, without any in connection_init', async () => {
    await using client = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: {} })
    const anonymous = await answerTo(client.frames, { query: listen, variables: { clientId: 'tabbed' } })
    expect(anonymous).toMatchObject({ payload: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] } })

    const headers = { Authorization: `Bearer ${await gateway.clientToken('tabbed')}` }
    const hub = watchHub(gateway.gateway.hub)
    const before = gateway.gateway.hub.size
    const payload = { query: listen, variables: { clientId: 'tabbed' }, extensions: { headers } }
    client.frames.send({ id: 'mine', type: 'subscribe', payload })
    await hub.until(before + 1)
    await publishTo('tabbed', 7)
    const received = frame(await client.frames.nextMatching((text) => frame(text).id === 'mine'))
    expect(received.payload).toEqual({ data: { channel: { data: 7 } } })

    const foreign = { query: listen, variables: { clientId: 'another' }, extensions: { headers } }
    expect(await answerTo(client.frames, foreign)).toMatchObject({
      payload: { errors: [{ extensions: { code: 'FORBIDDEN' } }] },
    })
    client.frames.send({ id: 'mine', type: 'complete' })
    await hub.until(before)
  })

  test.each([
    [
      'Authorization in connection_init',
      (token: string) => ({ connectionParams: { Authorization: `Bearer ${token}` } }),
    ],
    [
      'authorization, in the spelling of browsers',
      (token: string) => ({ connectionParams: { authorization: `Bearer ${token}` } }),
    ],
    ['token in connection_init', (token: string) => ({ connectionParams: { token } })],
    [
      'connection_init of Apollo Router, behind a proxy with a password',
      (token: string) => ({
        headers: { authorization: 'Basic YTpi' },
        connectionParams: { connectionParams: { token: `Bearer ${token}` } },
      }),
    ],
    ['the header of the upgrade', (token: string) => ({ headers: { authorization: `Bearer ${token}` } })],
  ])('are accepted from %s', async (_where, given) => {
    await using client = await connectGraphql(gateway.graphqlSocketUrl, given(gateway.operatorToken))
    expect(await client.request('{ rabbitChannels { exchange } }')).toEqual({
      data: { rabbitChannels: [{ exchange: 'warren.events' }] },
    })
  })
})

describe('web pages of other origins', () => {
  test.each([
    ['http://evil.example', false],
    ['null', false],
    ['http://localhost:5173', true],
    ['https://app.example', true],
  ])('%s may connect, and read answers over HTTP: %s', async (origin, allowed) => {
    await using own = await openGateway({ WARREN_ALLOWED_ORIGINS: 'https://app.example' })
    const connected = connectFrames(own.graphqlSocketUrl, { protocol, origin })
    if (allowed) await (await connected).close()
    else await expect(connected).rejects.toThrow('403')

    const preflight = await fetch(own.graphqlUrl, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
    })
    expect(preflight.headers.get('access-control-allow-origin')).toBe(allowed ? origin : null)
    const response = await fetch(own.graphqlUrl, {
      method: 'POST',
      headers: { origin, 'content-type': 'application/json' },
      body: '{"query":"{ gateway { version } }"}',
    })
    expect(response.headers.get('access-control-allow-origin')).toBe(allowed ? origin : null)
  })
})

describe('the shutdown of the gateway', () => {
  test('closes every socket with 1012, also one without connection_init, and completes no subscription', async () => {
    const own = await openGateway()
    await using client = await connectGraphql(own.graphqlSocketUrl, { connectionParams: { token: own.operatorToken } })
    await using silent = await connectFrames(own.graphqlSocketUrl, { protocol })
    const hub = watchHub(own.gateway.hub)
    const operation = client.subscribe(listen, { clientId: 'any' })
    await hub.until(1)
    await own.close()
    const restart = { code: 1012, reason: 'Service restart' }
    expect(await client.closed).toEqual(restart)
    expect(await silent.closed).toEqual(restart)
    await expect(operation.ended).rejects.toThrow('1012')
  })
})
