import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { channelQuery } from '../../e2e/back-end/graphql-caller.ts'
import { socketClusterUrl } from '../../legacy-clients/socketcluster-frames.ts'
import { connectFramed } from '../../support/frames/framed.ts'
import { connectFrames, type FrameClient } from '../../support/frames/frames.ts'
import { Inbox } from '../../support/frames/inbox.ts'
import type { InProcessGateway } from '../../support/gateway/gateway-in-process.ts'

/**
 * A subscriber that keeps the raw text of events, because parsing would lose the digits that a test
 * checks.
 */
export interface RawListener extends AsyncDisposable {
  /** The next message, in the transport's own form. */
  next(): Promise<string>
}

export interface Wanted {
  readonly gateway: Pick<InProcessGateway, 'url' | 'graphqlUrl' | 'graphqlSocketUrl'>
  readonly tcpPort: number
  readonly channel: string
  readonly token: string
  readonly after?: string | undefined
}

type Listen = (wanted: Wanted) => Promise<RawListener>

/** A directive prevents the gateway from compiling and sharing an operation. */
const uncompiledQuery = channelQuery.replace(' data ', ' data @include(if: true) ')

/** Every way to receive events; over GraphQL the compiled one and that of graphql-js. */
export const listens: ReadonlyMap<string, Listen> = new Map<string, Listen>([
  ['graphql-transport-ws', (wanted) => overGraphqlWs(wanted, channelQuery)],
  ['graphql-transport-ws, not compiled', (wanted) => overGraphqlWs(wanted, uncompiledQuery)],
  ['server-sent events', (wanted) => overSse(wanted, channelQuery)],
  ['server-sent events, not compiled', (wanted) => overSse(wanted, uncompiledQuery)],
  ['plain WebSocket', overWebSocket],
  ['SocketCluster', overSocketCluster],
  ['TCP', overTcp],
])

function framesOf(frames: FrameClient, isMessage: (text: string) => boolean): RawListener {
  return {
    next: () => frames.nextMatching(isMessage),
    [Symbol.asyncDispose]: () => frames[Symbol.asyncDispose](),
  }
}

async function overGraphqlWs({ gateway, channel, token, after }: Wanted, query: string): Promise<RawListener> {
  const frames = await connectFrames(gateway.graphqlSocketUrl, { protocol: 'graphql-transport-ws' })
  frames.send({ type: 'connection_init', payload: { token } })
  await frames.nextMatching((text) => text.includes('connection_ack'))
  frames.send({ type: 'subscribe', id: 'raw', payload: { query, variables: { clientId: channel, after } } })
  return framesOf(frames, (text) => text.includes('"type":"next"') || text.includes('"type":"error"'))
}

async function overSse({ gateway, channel, token, after }: Wanted, query: string): Promise<RawListener> {
  const sent = request(gateway.graphqlUrl, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${token}` },
  })
  sent.on('error', () => {})
  sent.end(JSON.stringify({ query, variables: { clientId: channel, after } }))
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  const inbox = new Inbox<string>('an event of SSE')
  let text = ''
  response.setEncoding('utf8').on('data', (piece: string) => {
    const parts = (text + piece).split('\n\n')
    text = parts.pop() ?? ''
    for (const part of parts) {
      const data = /^data: (.+)$/m.exec(part)?.[1]
      if (data !== undefined) inbox.push(data)
    }
  })
  response.on('error', () => {})
  return {
    next: () => inbox.next(),
    async [Symbol.asyncDispose]() {
      sent.destroy()
    },
  }
}

async function overWebSocket({ gateway, channel, token, after }: Wanted): Promise<RawListener> {
  const query = new URLSearchParams({ channel, token, ...(after === undefined ? {} : { after }) })
  const frames = await connectFrames(`${gateway.url.replace('http', 'ws')}/ws?${query}`)
  await frames.nextMatching((text) => text.includes('"joined"'))
  return framesOf(frames, () => true)
}

async function overSocketCluster({ gateway, channel, token, after }: Wanted): Promise<RawListener> {
  const frames = await connectFrames(socketClusterUrl(gateway.url))
  frames.send({ event: '#handshake', data: { authToken: token }, cid: 1 })
  frames.send({ event: '#subscribe', data: { channel, data: { after, cursors: true } }, cid: 2 })
  await frames.nextMatching((text) => text.includes('"rid":2'))
  return framesOf(frames, (text) => text.includes('"#publish"'))
}

async function overTcp({ tcpPort, channel, token, after }: Wanted): Promise<RawListener> {
  const client = await connectFramed(tcpPort)
  await client.ask({ action: 'authenticate', token })
  await client.ask({ action: 'subscribe', channel, after })
  return {
    next: async () => (await client.next()).content.toString(),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}
