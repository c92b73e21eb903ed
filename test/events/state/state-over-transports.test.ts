import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { socketClusterUrl } from '../../legacy-clients/socketcluster-frames.ts'
import { eventually } from '../../support/eventually.ts'
import { connectFramed } from '../../support/frames/framed.ts'
import { connectFrames } from '../../support/frames/frames.ts'
import { Inbox } from '../../support/frames/inbox.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { freePort } from '../../support/network/ports.ts'

let gateway: InProcessGateway
let tcpPort: number
const closings: (() => unknown)[] = []

beforeAll(async () => {
  tcpPort = await freePort()
  gateway = await openGateway({
    WARREN_SCHEMA: 'test/events/state/orders.sdl.txt',
    WARREN_TCP_PORT: String(tcpPort),
    WARREN_RETENTION: '1h,1MiB',
    WARREN_HOT_WINDOW: '1h,1MiB',
  })
})
afterAll(async () => {
  for (const close of closings) await close()
  await gateway.close()
})

type Frame = Record<string, unknown>

interface Form {
  readonly name: string
  /** Subscribes to the orders of a customer. The frames are as they arrive. */
  readonly listen: (customerId: string, after?: string) => Promise<Inbox<Frame>>
  /** What a frame has to be. `data`: undefined for an empty state. */
  readonly form: (customerId: string, data: object | null | undefined, marks: object) => Frame
  readonly cursorOf: (frame: Frame) => string
}

const cursor = expect.any(String)
const nameOf = (customerId: string) => `orders?customerId=${encodeURIComponent(customerId)}`
const isEvent = ({ kind }: Frame) => kind !== undefined && kind !== 'joined' && kind !== 'subscribed'

/** Of plain WebSocket and TCP. */
const envelope: Pick<Form, 'form' | 'cursorOf'> = {
  form: (customerId, data, marks) => {
    const channel = nameOf(customerId)
    if (data === undefined) return { channel, kind: 'checkpoint', cursor, receivedAt: cursor, ...marks }
    return { channel, kind: 'message', cursor, data, ...marks }
  },
  cursorOf: (frame) => frame['cursor'] as string,
}

const query =
  'subscription ($id: ID!, $after: Cursor) { orders(customerId: $id, after: $after) { id customerId status total } }'

const forms: readonly Form[] = [
  {
    name: 'plain WebSocket',
    ...envelope,
    async listen(customerId, after) {
      const parameters = new URLSearchParams({
        channel: nameOf(customerId),
        token: gateway.operatorToken,
        ...(after && { after }),
      })
      return framesOf(await connectFrames(`${gateway.url.replace('http', 'ws')}/ws?${parameters}`), (text) => {
        const frame = JSON.parse(text) as Frame
        return isEvent(frame) ? frame : undefined
      })
    },
  },
  {
    name: 'SocketCluster',
    async listen(customerId, after) {
      const client = await connectFrames(socketClusterUrl(gateway.url))
      client.send({ event: '#handshake', data: { authToken: gateway.operatorToken }, cid: 1 })
      const data = { channel: nameOf(customerId), data: { after, cursors: true } }
      client.send({ event: '#subscribe', data, cid: 2 })
      return framesOf(client, (text) => {
        if (!text.startsWith('{')) return undefined
        const packet = JSON.parse(text) as { event?: string; data?: { data?: Frame } }
        return packet.event === '#publish' ? packet.data?.data : undefined
      })
    },
    form: (_customerId, data, marks) =>
      data === undefined ? { cursor, data: null, checkpoint: true, ...marks } : { cursor, data, ...marks },
    cursorOf: (frame) => frame['cursor'] as string,
  },
  {
    name: 'framed TCP',
    ...envelope,
    async listen(customerId, after) {
      const client = await connectFramed(tcpPort)
      client.send({ action: 'authenticate', token: gateway.operatorToken })
      client.send({ action: 'subscribe', channel: nameOf(customerId), after })
      return framesOf(client, ({ json }) => (isEvent(json) ? json : undefined))
    },
  },
  {
    name: 'SSE',
    async listen(customerId, after) {
      const leaving = new AbortController()
      closings.push(() => leaving.abort())
      const response = await fetch(gateway.graphqlUrl, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'text/event-stream',
          authorization: `Bearer ${gateway.operatorToken}`,
        },
        body: JSON.stringify({ query, variables: { id: customerId, after } }),
        signal: leaving.signal,
      })
      const frames = new Inbox<Frame>('an event of SSE')
      const read = async () => {
        let text = ''
        const decoder = new TextDecoder()
        for await (const piece of response.body ?? []) {
          const parts = (text + decoder.decode(piece, { stream: true })).split('\n\n')
          text = parts.pop() ?? ''
          for (const part of parts) {
            const data = /^data: (.+)$/m.exec(part)?.[1]
            if (data !== undefined) frames.push(JSON.parse(data) as Frame)
          }
        }
      }
      read().then(
        () => frames.end(new Error('the response is over')),
        (error: Error) => frames.end(error),
      )
      return frames
    },
    form: (_customerId, data, marks) => ({
      data: { orders: data ?? null },
      extensions: { warren: { cursor, ...(data === undefined ? { checkpoint: true } : {}), ...marks } },
    }),
    cursorOf: ({ extensions }) => (extensions as { warren: { cursor: string } }).warren.cursor,
  },
]

/** Queues what `take` makes of each frame. */
function framesOf<T>(
  client: AsyncDisposable & { next(withinMs?: number): Promise<T> },
  take: (frame: T) => Frame | undefined,
): Inbox<Frame> {
  closings.push(() => client[Symbol.asyncDispose]())
  const frames = new Inbox<Frame>('a frame with an order')
  const read = async () => {
    for (;;) {
      const frame = take(await client.next(600_000))
      if (frame) frames.push(frame)
    }
  }
  read().catch((error: Error) => frames.end(error))
  return frames
}

const orderOf = (customerId: string, id: string) => ({ id, customerId, status: 'PAID', total: 1 })

/** Publishes a change of an order, or its removal. Resolves when the state has it. */
async function publish(customerId: string, id: string, type = 'order.changed'): Promise<void> {
  const entry = await gateway.gateway.publish({
    exchange: 'orders',
    routingKey: 'orders.eu',
    body: Buffer.from(JSON.stringify(orderOf(customerId, id))),
    properties: { contentType: 'application/json', type },
  })
  await eventually(`${id} to be folded`, () => {
    const folds = gateway.gateway.states?.folder.folds ?? []
    return folds.some(
      ({ definition, head }) =>
        definition.field === 'orders' && (head.place?.offset ?? -1) >= (entry?.offset ?? Number.POSITIVE_INFINITY),
    )
  })
}

/** Publishes more than the journal keeps. */
async function fillJournal(): Promise<void> {
  for (let count = 0; count < 40; count += 1) {
    await gateway.gateway.publish({
      exchange: 'warren.events',
      routingKey: 'client.nobody',
      body: Buffer.alloc(100_000),
      properties: { contentType: 'application/octet-stream' },
    })
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe.each(forms)('over $name', ({ name, listen, form, cursorOf }) => {
  test('a client receives the marks of its state: empty, live, removed, snapshot and rebased', async () => {
    const expected = (data: object | null | undefined, marks: object = {}) => form(name, data, marks)
    const [first, second, third] = ['ä1', 'ä2', 'ä3'].map((id) => `${name} ${id}`) as [string, string, string]
    const live = await listen(name)
    const begin = await live.next()
    expect(begin).toEqual(expected(undefined, { state: 'SNAPSHOT_END', reset: true }))
    await publish(name, first)
    expect(await live.next()).toEqual(expected(orderOf(name, first)))
    await publish(name, second)
    expect(await live.next()).toEqual(expected(orderOf(name, second)))
    await publish(name, first, 'order.deleted')
    expect(await live.next()).toEqual(expected(null, { removed: first }))
    await publish(name, third)

    const later = await listen(name)
    expect(await later.next()).toEqual(expected(orderOf(name, second), { state: 'SNAPSHOT', reset: true }))
    expect(await later.next()).toEqual(expected(orderOf(name, third), { state: 'SNAPSHOT_END' }))

    await fillJournal()
    const back = await listen(name, cursorOf(begin))
    expect(await back.next()).toEqual(expected(orderOf(name, second), { state: 'REBASED' }))
    expect(await back.next()).toEqual(expected(null, { state: 'REBASED', removed: first }))
    expect(await back.next()).toEqual(expected(orderOf(name, third), { state: 'REBASED' }))
  })
})
