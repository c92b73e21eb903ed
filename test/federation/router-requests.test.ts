import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { WebSocket } from 'ws'
import { publish } from '../events/serving/event-client.ts'
import { eventually } from '../support/eventually.ts'
import { textOf } from '../support/frames/frames.ts'
import { Inbox } from '../support/frames/inbox.ts'
import { type InProcessGateway, openGateway } from '../support/gateway/gateway-in-process.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'
import { eventsSdl } from './subgraphs.ts'

/**
 * What routers send that cannot be run here, from their documentation and published source: Apollo
 * Router (subscriptions in passthrough mode) and Cosmo Router.
 */
const folder = newFolder()
let gateway: InProcessGateway
let token: string

beforeAll(async () => {
  const file = join(folder, 'events.graphql')
  writeFileSync(file, eventsSdl)
  gateway = await openGateway({ WARREN_SCHEMA: file, WARREN_FEDERATION: 'on' })
  token = await gateway.clientToken('alice')
})
afterAll(async () => {
  await gateway?.close()
  removeFolder(folder)
})

const query = 'subscription { orderChanged(customerId: "alice") { id } }'
const publishOrder = (id: number) =>
  publish(gateway, { exchange: 'orders', routingKey: 'orders.x', data: { id, customer: { id: 'alice' } } })
const live = () => eventually('the subscription', () => gateway.gateway.hub.size === 1)

test('the default path of Apollo Router is answered with a sentence that names the right one', async () => {
  for (const protocol of ['graphql-transport-ws', 'graphql-ws']) {
    const socket = new WebSocket(gateway.graphqlSocketUrl.replace('/graphql', '/ws'), protocol)
    const answer = await new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
      socket.once('error', reject)
      socket.once('unexpected-response', (_request, response) => {
        let text = ''
        response.on('data', (bytes: Buffer) => (text += bytes.toString()))
        response.on('end', () => resolve({ status: response.statusCode, text }))
      })
    })
    expect(answer).toEqual({ status: 400, text: expect.stringContaining('GraphQL over WebSocket is at /graphql') })
  }
})

describe('over HTTP', () => {
  test.each([
    [
      'Hive Router',
      'multipart/mixed;subscriptionSpec="1.0", text/event-stream',
      'multipart/mixed',
      '{"payload":{"data":',
    ],
    ['Cosmo Router, plain multipart', 'multipart/mixed', 'multipart/mixed', '{"data":'],
    ['Cosmo Router, sse_post', 'text/event-stream', 'text/event-stream', 'data: {"data":'],
    ['Fusion', 'application/jsonl, text/event-stream', 'text/event-stream', 'data: {"data":'],
  ])('%s subscribes', async (_router, accept, type, begin) => {
    const abort = new AbortController()
    const response = await fetch(gateway.graphqlUrl, {
      method: 'POST',
      headers: { accept, 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query }),
      signal: abort.signal,
    })
    expect(response.headers.get('content-type')).toContain(type)
    await live()
    await publishOrder(2)
    let text = ''
    for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += piece
      if (text.includes('"id":"2"')) break
    }
    expect(text).toContain(`${begin}{"orderChanged":{"id":"2"}}`)
    abort.abort()
    await eventually('no subscription', () => gateway.gateway.hub.size === 0)
  })
})

describe('over WebSocket', () => {
  test.each([
    ['Apollo Router', { connectionParams: { token: 'Bearer TOKEN' } }],
    ['Cosmo Router', { Authorization: 'Bearer TOKEN' }],
    ['Cosmo Router with the headers of its client', { headers: { Authorization: 'Bearer TOKEN' } }],
  ])('%s subscribes', async (_router, payload) => {
    const socket = new WebSocket(gateway.graphqlSocketUrl, 'graphql-transport-ws')
    const frames = new Inbox<{ type: string; payload?: unknown }>('a frame')
    socket.on('message', (data) => frames.push(JSON.parse(textOf(data)) as { type: string }))
    await new Promise((resolve) => socket.once('open', resolve))
    const send = (frame: object) => socket.send(JSON.stringify(frame).replace('TOKEN', token))
    send({ type: 'connection_init', payload })
    expect(await frames.next()).toMatchObject({ type: 'connection_ack' })
    send({ id: 'b7c6', type: 'subscribe', payload: { query, variables: {}, extensions: {} } })
    await live()
    await publishOrder(1)
    expect(await frames.next()).toMatchObject({ type: 'next', payload: { data: { orderChanged: { id: '1' } } } })
    send({ id: 'b7c6', type: 'complete' })
    await eventually('no subscription', () => gateway.gateway.hub.size === 0)
    socket.close()
  })
})
