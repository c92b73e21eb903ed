import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { WebSocket } from 'ws'
import { Inbox } from '../support/frames/inbox.ts'
import { type InProcessGateway, openGateway } from '../support/gateway/gateway-in-process.ts'
import { type HubWatch, watchHub } from '../support/gateway/hub-watch.ts'

/**
 * The requests of gql 4, the GraphQL client for Python, by its published source: `gql/transport/`
 * of graphql-python/gql. Debian 12 has no package of it.
 */

let gateway: InProcessGateway
let hub: HubWatch

beforeAll(async () => {
  gateway = await openGateway()
  hub = watchHub(gateway.gateway.hub)
})
afterAll(() => gateway.close())

/** `json.dumps` writes a space after colons and commas. The values here contain neither. */
const dumps = (value: unknown) => JSON.stringify(value).replaceAll('":', '": ').replaceAll(',"', ', "')

const listen = `subscription Listen($clientId: ID!, $after: Cursor) {
  channel(clientId: $clientId, after: $after) {
    cursor
    data
  }
}`
const publish = `mutation Publish($input: PublishInput!) {
  publish(input: $input) {
    messageId
  }
}`

interface Answer {
  readonly type: string
  readonly id?: string
  readonly payload?: unknown
}

/** `WebsocketsTransport(url, init_payload={…})`, `_parse_answer_graphqlws` included. */
async function websocketsTransport(initPayload: object) {
  const socket = new WebSocket(gateway.graphqlSocketUrl, ['graphql-ws', 'graphql-transport-ws'])
  const answers = new Inbox<Answer>('answers')
  socket.on('message', (data: Buffer) => answers.push(JSON.parse(data.toString()) as Answer))
  await once(socket, 'open')
  const send = (message: object) => socket.send(dumps(message))
  send({ type: 'connection_init', payload: initPayload })
  expect(await answers.next()).toMatchObject({ type: 'connection_ack' })
  let lastId = 0
  return {
    socket,
    send,
    sendQuery(query: string, variables: object): string {
      const id = String(++lastId)
      send({ id, type: 'subscribe', payload: { query, variables } })
      return id
    },
    /** The client closes the connection at an answer that it cannot read. */
    async next(id: string): Promise<unknown> {
      const answer = await answers.nextMatching((one) => one.id === id)
      expect(['next', 'error', 'complete']).toContain(answer.type)
      if (answer.type === 'complete') return 'complete'
      if (answer.type === 'error') expect(Array.isArray(answer.payload)).toBe(true)
      else expect(Object.keys(answer.payload as object)).toContainEqual(expect.stringMatching(/^(data|errors)$/))
      return answer.payload
    },
  }
}

/** `AIOHTTPTransport(url, headers={…}).execute(…)`. */
async function aiohttpTransport(
  token: string | undefined,
  payload: object,
): Promise<{ status: number; body: unknown }> {
  const sent = request(gateway.graphqlUrl, {
    method: 'POST',
    headers: {
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      Accept: '*/*',
      'Accept-Encoding': 'gzip, deflate',
      'User-Agent': 'Python/3.11 aiohttp/3.12.15',
      'Content-Type': 'application/json',
    },
  })
  sent.end(dumps(payload))
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return { status: response.statusCode ?? 0, body: JSON.parse(await text(response)) }
}

describe('gql for Python', () => {
  test('subscribes over WebSocket, publishes on the same connection, and resumes after a cursor', async () => {
    const token = await gateway.clientToken('alice')
    const alice = await websocketsTransport({ Authorization: `Bearer ${token}` })
    // It offers both subprotocols, the older one first, and speaks the one of the answer.
    expect(alice.socket.protocol).toBe('graphql-transport-ws')
    const live = alice.sendQuery(listen, { clientId: 'alice' })
    await hub.until(1)

    const publisher = await websocketsTransport({ token: gateway.publisherToken })
    for (const number of [1, 2]) {
      const id = publisher.sendQuery(publish, {
        input: { clientId: 'alice', messageId: `m${number}`, data: { number } },
      })
      expect(await publisher.next(id)).toMatchObject({ data: { publish: { messageId: `m${number}` } } })
      expect(await publisher.next(id)).toBe('complete')
    }
    const first = (await alice.next(live)) as { data: { channel: { cursor: string; data: unknown } } }
    expect(first.data.channel.data).toEqual({ number: 1 })
    expect(await alice.next(live)).toMatchObject({ data: { channel: { data: { number: 2 } } } })
    alice.send({ id: live, type: 'complete' })
    await hub.until(0)

    const resumed = alice.sendQuery(listen, { clientId: 'alice', after: first.data.channel.cursor })
    expect(await alice.next(resumed)).toMatchObject({ data: { channel: { data: { number: 2 } } } })
    const refused = alice.sendQuery(listen, { clientId: 'bob' })
    expect(await alice.next(refused)).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] })
    expect(await alice.next(refused)).toBe('complete')
    for (const { socket } of [alice, publisher]) {
      socket.close()
      await once(socket, 'close')
    }
  })

  test('subscribes over HTTP with multipart responses', async () => {
    const sent = request(gateway.graphqlUrl, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${await gateway.clientToken('carol')}`,
        'Accept-Encoding': 'gzip, deflate',
        'User-Agent': 'Python/3.11 aiohttp/3.12.15',
        'Content-Type': 'application/json',
        Accept: 'multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json',
      },
    })
    sent.end(dumps({ query: listen, variables: { clientId: 'carol' } }))
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    // The client looks for these texts, without quotation marks.
    for (const part of ['multipart/mixed', 'boundary=graphql', 'subscriptionSpec=1.0'])
      expect(response.headers['content-type']).toContain(part)
    await hub.until(1)
    const variables = { input: { clientId: 'carol', data: { number: 1 } } }
    await aiohttpTransport(gateway.publisherToken, { query: publish, variables })
    let received = ''
    for await (const piece of response.setEncoding('utf8')) {
      received += piece as string
      if (/number.*--graphql/s.test(received)) break
    }
    const part = received.split('--graphql').find((one) => one.includes('number')) ?? ''
    const [head = '', body = ''] = part.split('\r\n\r\n')
    expect(head.toLowerCase()).toContain('content-type: application/json')
    expect(JSON.parse(body)).toMatchObject({ payload: { data: { channel: { data: { number: 1 } } } } })
    await hub.until(0)
  })

  test('runs queries and mutations over HTTP, and reads the code of a refusal', async () => {
    const variables = { input: { clientId: 'alice', messageId: 'm3', data: { number: 3 } } }
    expect(await aiohttpTransport(gateway.publisherToken, { query: publish, variables })).toEqual({
      status: 200,
      body: { data: { publish: { messageId: 'm3' } } },
    })
    const gatewayQuery = 'query Gateway {\n  gateway {\n    broker\n  }\n}'
    expect(await aiohttpTransport(undefined, { query: gatewayQuery, operationName: 'Gateway' })).toMatchObject({
      status: 200,
      body: { data: { gateway: { broker: 'UP' } } },
    })
    const { body } = await aiohttpTransport(await gateway.clientToken('alice'), { query: publish, variables })
    expect(body).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] })
  })
})
