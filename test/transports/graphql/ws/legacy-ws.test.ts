import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { connectFrames, type FrameClient } from '../../../support/frames/frames.ts'
import { type InProcessGateway, openGateway } from '../../../support/gateway/gateway-in-process.ts'
import { watchHub } from '../../../support/gateway/hub-watch.ts'

let gateway: InProcessGateway
beforeAll(async () => {
  gateway = await openGateway({ WARREN_KEEP_ALIVE: '300ms', WARREN_AUTH_TIMEOUT: '1s' })
})
afterAll(() => gateway?.close())

const protocol = 'graphql-ws'
const version = { query: '{ gateway { version } }' }
const listenTo = (clientId: string) => ({ query: `subscription { channel(clientId: "${clientId}") { data } }` })

interface Message {
  readonly id?: string
  readonly type: string
  readonly payload?: unknown
}

const connect = () => connectFrames(gateway.graphqlSocketUrl, { protocol })

/** The next message that is no sign of life. */
async function next(client: FrameClient): Promise<Message> {
  return JSON.parse(await client.nextMatching((text) => text !== '{"type":"ka"}')) as Message
}

async function acknowledged(): Promise<FrameClient> {
  const client = await connect()
  client.send({ type: 'connection_init', payload: { token: gateway.operatorToken } })
  expect(await next(client)).toEqual({ type: 'connection_ack' })
  return client
}

describe('the subprotocol graphql-ws of subscriptions-transport-ws', () => {
  test('has its own messages, and keep-alive messages from the acknowledgement on', async () => {
    await using client = await connect()
    client.send({ type: 'connection_init', payload: {} })
    expect(await client.next()).toBe('{"type":"connection_ack"}')
    for (let n = 0; n < 3; n += 1) expect(await client.next()).toBe('{"type":"ka"}')
    client.send({ id: '1', type: 'start', payload: version })
    expect(await next(client)).toMatchObject({ id: '1', type: 'data', payload: { data: { gateway: {} } } })
    expect(await next(client)).toEqual({ id: '1', type: 'complete' })
    client.send({ type: 'connection_terminate' })
    expect((await client.closed).code).toBe(1000)
  })

  test('takes operations before the acknowledgement, and drops those that are stopped before it', async () => {
    await using client = await connect()
    client.send({ type: 'connection_init', payload: { token: gateway.operatorToken } })
    for (const id of ['a', 'b', 'c']) client.send({ id, type: 'start', payload: version })
    client.send({ id: 'b', type: 'stop' })
    expect(await next(client)).toEqual({ type: 'connection_ack' })
    const ids = []
    while (ids.length < 4) ids.push((await next(client)).id)
    expect(new Set(ids)).toEqual(new Set(['a', 'c']))
  })

  test('answers an operation that cannot begin with an error object, and continues', async () => {
    await using client = await acknowledged()
    client.send({ id: '1', type: 'start', payload: { query: 'subscription { nothing }' } })
    expect(await next(client)).toMatchObject({ id: '1', type: 'error', payload: { message: /nothing/ } as object })
    client.send({ id: '2', type: 'start', payload: { query: '{ nothing nowhere }' } })
    const { payload } = await next(client)
    expect(payload).toMatchObject({ message: expect.stringMatching(/nothing/), errors: [{}, {}] })
    client.send({ id: '3', type: 'start', payload: version })
    expect(await next(client)).toMatchObject({ id: '3', type: 'data' })
  })

  test('stops a subscription without an answer, and replaces one with the same id', async () => {
    const hub = watchHub(gateway.gateway.hub)
    await using client = await acknowledged()
    client.send({ id: '1', type: 'start', payload: listenTo('first') })
    await hub.until(1)
    client.send({ id: '1', type: 'start', payload: listenTo('second') })
    const publish = (clientId: string) => ({
      query: `mutation { publish(input: { clientId: "${clientId}", data: "${clientId}" }) { messageId } }`,
    })
    client.send({ id: 'p', type: 'start', payload: publish('first') })
    await client.nextMatching((text) => text.includes('"complete"') && text.includes('"p"'))
    client.send({ id: 'q', type: 'start', payload: publish('second') })
    const data = await client.nextMatching((text) => text.includes('"channel"'))
    expect(JSON.parse(data)).toEqual({ id: '1', type: 'data', payload: { data: { channel: { data: 'second' } } } })
    client.send({ id: '1', type: 'stop' })
    await hub.until(0)
  })

  test.each<[string, (object | string)[], string, number]>([
    ['an invalid token', [{ type: 'connection_init', payload: { token: 'no' } }], 'UNAUTHENTICATED', 4403],
    ['an unknown message', [{ type: 'subscribe', id: '1', payload: version }], 'BAD_REQUEST', 4400],
    ['invalid JSON', ['{'], 'BAD_REQUEST', 4400],
  ])('refuses %s with connection_error and closes', async (_what, messages, code, closeCode) => {
    await using client = await connect()
    for (const message of messages) client.send(message)
    expect(await next(client)).toMatchObject({ type: 'connection_error', payload: { extensions: { code } } })
    expect((await client.closed).code).toBe(closeCode)
  })

  test('closes a client that never begins, and one that sends operations without connection_init', async () => {
    await using silent = await connect()
    await using early = await connect()
    early.send({ id: '1', type: 'start', payload: version })
    expect((await early.closed).code).toBe(4401)
    expect((await silent.closed).code).toBe(4408)
  })

  test('is not selected if the client offers graphql-transport-ws too', async () => {
    const offered = [protocol, 'graphql-transport-ws']
    await using client = await connectFrames(gateway.graphqlSocketUrl, { protocol: offered })
    expect(client.socket.protocol).toBe('graphql-transport-ws')
  })
})
