import { request } from 'node:http'
import { connect } from 'node:net'
import { WebSocket } from 'ws'
import { frameReader, requestBytes } from '../../support/frames/framed.ts'
import { textOf } from '../../support/frames/frames.ts'

/** The address of a replica. */
export interface Replica {
  readonly address: string
  readonly port: number
  readonly tcpPort: number
}

/** The client, and the cursor to resume at. */
export interface Subscriber {
  readonly client: string
  readonly token: string
  readonly cursor: string
  /** Subscribes to the field of `typedSdl`, not to the channel. Default: false. */
  readonly typed?: boolean | undefined
}

/** The messages that the ledgers' publishers send. */
export interface Numbered {
  readonly number: number
  /** Set if a publisher cannot repeat a message: each attempt is then a new message. */
  readonly attempt?: number
}

/** A received event, in the same form for every transport. */
export type Received =
  | { readonly kind: 'message'; readonly cursor: string; readonly data: Numbered; readonly redelivered: boolean }
  | { readonly kind: 'gap'; readonly cursor: string; readonly reason: string }
  | { readonly kind: 'checkpoint'; readonly cursor: string }

/** Called by a transport. */
export interface Watch {
  /** The gateway has accepted the subscription. */
  readonly onSubscribed: () => void
  readonly onEvent: (event: Received) => void
  /** A frame that is not an event arrived; `code` if the gateway sent one. */
  readonly onRefused: (what: string, code?: string) => void
  /** Once at the end, by either side; 0 if the transport has no close codes. */
  readonly onClosed: (code: number) => void
}

/** Subscribes; returns a function that ends the connection without a message to the gateway. */
export type Transport = (replica: Replica, subscriber: Subscriber, watch: Watch) => () => void

export const channelQuery = `subscription ($clientId: ID!, $after: Cursor) {
  channel(clientId: $clientId, after: $after) { kind cursor data redelivered gap { reason } }
}`

/** The same messages as a typed field. Their key is that of the default source. */
export const typedSdl = `
type Subscription {
  numbered(client: ID! @owner): Numbered
    @events(exchange: "warren.events", routingKey: "client.{client}")
}
type Numbered { number: Int!  attempt: Int }
`

const typedQuery = `subscription ($clientId: ID!, $after: Cursor) {
  numbered(client: $clientId, after: $after) { number attempt }
}`

const queryOf = ({ typed }: Subscriber): string => (typed ? typedQuery : channelQuery)

/** What transports without documents subscribe to. */
const nameOf = ({ client, typed }: Subscriber): string => (typed ? `numbered?client=${client}` : client)

interface ChannelEvent {
  readonly kind: string
  readonly cursor: string
  readonly data?: Numbered | null
  readonly redelivered?: boolean
  readonly gap?: { readonly reason: string } | null
}

interface Result {
  readonly data?: { readonly channel?: ChannelEvent; readonly numbered?: Numbered | null } | null
  readonly extensions?: { readonly warren?: Position }
  readonly errors?: readonly GraphqlError[]
}

/** `extensions.warren` of a typed field. */
interface Position {
  readonly cursor: string
  readonly gap?: { readonly reason: string }
  readonly checkpoint?: boolean
}

interface GraphqlError {
  readonly extensions?: { readonly code?: string }
}

interface FlatError {
  readonly code?: string
}

/** GraphQL has MESSAGE, the plain transports message. */
function receive(event: ChannelEvent, watch: Watch): void {
  const { cursor } = event
  switch (event.kind.toLowerCase()) {
    case 'message':
      watch.onEvent({
        kind: 'message',
        cursor,
        data: event.data ?? { number: -1 },
        redelivered: event.redelivered === true,
      })
      break
    case 'gap':
      watch.onEvent({ kind: 'gap', cursor, reason: event.gap?.reason ?? 'none' })
      break
    case 'checkpoint':
      watch.onEvent({ kind: 'checkpoint', cursor })
      break
    default:
      watch.onRefused(`an event of kind ${event.kind}`)
  }
}

function receiveResult(result: Result, watch: Watch): void {
  const event = result.data?.channel ?? typedEvent(result)
  if (event) receive(event, watch)
  else watch.onRefused(JSON.stringify(result), result.errors?.[0]?.extensions?.code)
}

function typedEvent({ data, extensions, errors }: Result): ChannelEvent | undefined {
  const position = extensions?.warren
  if (!position || errors) return undefined
  const { cursor, gap, checkpoint } = position
  return {
    kind: gap ? 'gap' : checkpoint ? 'checkpoint' : 'message',
    cursor,
    data: data?.numbered ?? null,
    gap: gap ?? null,
  }
}

/** graphql-transport-ws. */
export const overWebSocket: Transport = ({ address, port }, subscriber, watch) => {
  const { client, token, cursor } = subscriber
  const socket = new WebSocket(`ws://${address}:${port}/graphql`, 'graphql-transport-ws')
  const send = (frame: object): void => socket.send(JSON.stringify(frame))
  socket.on('error', () => {})
  socket.on('close', watch.onClosed)
  socket.on('open', () => send({ type: 'connection_init', payload: { token } }))
  socket.on('message', (data) => {
    const frame = JSON.parse(textOf(data)) as { type: string; payload?: Result | readonly GraphqlError[] }
    if (frame.type === 'ping') send({ type: 'pong' })
    else if (frame.type === 'connection_ack') {
      const variables = { clientId: client, after: cursor }
      send({ id: '1', type: 'subscribe', payload: { query: queryOf(subscriber), variables } })
      watch.onSubscribed()
    } else if (frame.type === 'next') receiveResult(frame.payload as Result, watch)
    else {
      const [error] = frame.type === 'error' ? (frame.payload as readonly GraphqlError[]) : []
      watch.onRefused(JSON.stringify(frame), error?.extensions?.code)
    }
  })
  return () => socket.terminate()
}

/** Server-sent events. The cursor is sent as a variable, or as `Last-Event-ID`. */
export function overEvents(cursorIn: () => 'variable' | 'header'): Transport {
  return function overServerSentEvents({ address, port }, subscriber, watch) {
    const { client, token, cursor } = subscriber
    const inHeader = cursorIn() === 'header'
    const call = request({
      host: address,
      port,
      path: '/graphql',
      method: 'POST',
      agent: false,
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        authorization: `Bearer ${token}`,
        ...(inHeader ? { 'last-event-id': cursor } : {}),
      },
    })
    call.on('error', () => {})
    call.on('close', () => watch.onClosed(0))
    call.on('response', (response) => {
      if (response.statusCode === 200) watch.onSubscribed()
      let text = ''
      response.setEncoding('utf8')
      response.on('error', () => {})
      response.on('data', (chunk: string) => {
        text += chunk
        if (response.statusCode !== 200) return
        const blocks = text.split('\n\n')
        text = blocks.pop() ?? ''
        for (const block of blocks) receiveBlock(block, watch)
      })
      response.on('end', () => {
        if (response.statusCode === 200) return
        const code = /"code":\s*"(\w+)"/.exec(text)?.[1]
        watch.onRefused(`over SSE came status ${response.statusCode}: ${text}`, code)
      })
    })
    const variables = { clientId: client, after: inHeader ? null : cursor }
    call.end(JSON.stringify({ query: queryOf(subscriber), variables }))
    return () => call.destroy()
  }
}

function receiveBlock(block: string, watch: Watch): void {
  const field = (name: string): string | undefined =>
    block
      .split('\n')
      .find((line) => line.startsWith(`${name}: `))
      ?.slice(name.length + 2)
  if (field('event') !== 'next') return
  const result = JSON.parse(field('data') ?? '{}') as Result
  receiveResult(result, watch)
  const cursor = result.data?.channel?.cursor ?? result.extensions?.warren?.cursor
  if (cursor !== undefined && field('id') !== cursor)
    watch.onRefused(`the event's id ${field('id')} is not its cursor ${cursor}`)
}

/** SocketCluster, protocol 2. It has no flag for repeated deliveries. */
export const overSocketCluster: Transport = ({ address, port }, subscriber, watch) => {
  const { token, cursor } = subscriber
  const socket = new WebSocket(`ws://${address}:${port}/socketcluster/?protocolVersion=2`)
  const call = (cid: number, event: string, data: object): void => socket.send(JSON.stringify({ event, data, cid }))
  socket.on('error', () => {})
  socket.on('close', watch.onClosed)
  socket.on('open', () => call(1, '#handshake', { authToken: token }))
  socket.on('message', (frame) => {
    const text = textOf(frame)
    if (text === '') return socket.send('')
    const { rid, event, data, error } = JSON.parse(text) as {
      rid?: number
      event?: string
      data?: { data: { cursor: string; data: Numbered }; reason: string; cursor: string }
      error?: { name: string }
    }
    if (error) watch.onRefused(text, error.name)
    else if (rid === 1) call(2, '#subscribe', { channel: nameOf(subscriber), data: { after: cursor, cursors: true } })
    else if (rid === 2) watch.onSubscribed()
    else if (event === '#publish' && data) receive({ kind: 'message', ...data.data }, watch)
    else if (event === 'gap' && data) receive({ kind: 'gap', cursor: data.cursor, gap: data }, watch)
    else watch.onRefused(text)
  })
  return () => socket.terminate()
}

/** The framed protocol over TCP. */
export const overTcp: Transport = ({ address, tcpPort }, subscriber, watch) => {
  const { token, cursor } = subscriber
  const socket = connect({ host: address, port: tcpPort, noDelay: true })
  const send = (request: object): void => void socket.write(requestBytes(request))
  let closed = 0
  socket.on('error', () => {})
  socket.on('close', () => watch.onClosed(closed))
  socket.on('connect', () => send({ action: 'authenticate', token, id: 1 }))
  const read = frameReader(({ json }) => {
    const { id, kind, error, code } = json as { id?: number; kind?: string; error?: FlatError; code?: number }
    if (kind === 'ping') send({ action: 'pong' })
    else if (kind === 'close') closed = code ?? 0
    else if (error) watch.onRefused(JSON.stringify(json), error.code)
    else if (id === 1) send({ action: 'subscribe', channel: nameOf(subscriber), after: cursor, id: 2 })
    else if (id === 2) watch.onSubscribed()
    else receive(json as unknown as ChannelEvent, watch)
  })
  socket.on('data', read)
  return () => socket.destroy()
}

/** `/ws?channel=`, in its envelope. */
export const overPlainWebSocket: Transport = ({ address, port }, subscriber, watch) => {
  const { token, cursor } = subscriber
  const query = new URLSearchParams({ channel: nameOf(subscriber), after: cursor, token })
  const socket = new WebSocket(`ws://${address}:${port}/ws?${query.toString()}`)
  socket.on('error', () => {})
  socket.on('close', watch.onClosed)
  socket.on('message', (frame) => {
    const json = JSON.parse(textOf(frame)) as ChannelEvent & { error?: FlatError }
    if (json.kind === 'joined') watch.onSubscribed()
    else if (json.error) watch.onRefused(JSON.stringify(json), json.error.code)
    else receive(json, watch)
  })
  return () => socket.terminate()
}
