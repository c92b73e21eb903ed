import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import { openGateway } from '../../support/gateway/gateway-in-process.ts'
import { closePayload, frameBytes, opcodes, serverFrame } from './client-frames.ts'
import { maxMessageBytes } from './conformance-cases.ts'
import { RawPeer } from './raw-peer.ts'

/** What an endpoint answers to a message. */
export interface Answer {
  readonly bytes: Buffer
  /** The application has sent a close frame. */
  readonly closes: boolean
}

export interface Endpoint extends AsyncDisposable {
  /** Connects, and sends what the application protocol requires first. */
  open(): Promise<RawPeer>
  /** The application's text around a content, so that the endpoint answers the message. */
  readonly around: readonly [before: string, after: string]
  answerTo(message: Buffer, isBinary: boolean): Answer
  /** Only in the room, where messages go to other clients: what another client has received. */
  received?(): Promise<Buffer>
}

const noAnswer: Answer = { bytes: Buffer.alloc(0), closes: false }

function textAnswer(text: string): Answer {
  return { bytes: serverFrame(opcodes.text, Buffer.from(text)), closes: false }
}

function echo(message: Buffer, isBinary: boolean): Buffer {
  return serverFrame(isBinary ? opcodes.binary : opcodes.text, message)
}

function parsed(message: Buffer): Record<string, unknown> | undefined {
  try {
    return JSON.parse(message.toString()) as Record<string, unknown>
  } catch {
    return undefined
  }
}

async function openWs(): Promise<Endpoint> {
  const http = createServer().listen(0, '127.0.0.1')
  await once(http, 'listening')
  const options = { server: http, maxPayload: maxMessageBytes, maxFragments: 16 * 1024 }
  const server = new WebSocketServer(options)
  server.on('connection', (socket) => {
    socket.on('error', () => {})
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
  const { port } = http.address() as AddressInfo
  return {
    open: () => RawPeer.connect(port, '/'),
    around: ['', ''],
    answerTo: (message, isBinary) => ({ bytes: echo(message, isBinary), closes: false }),
    async [Symbol.asyncDispose]() {
      server.close()
      http.close()
      http.closeAllConnections()
      await once(http, 'close')
    },
  }
}

async function gateway() {
  const bytes = `${maxMessageBytes / 2 ** 20}MiB`
  const opened = await openGateway({
    WARREN_LEGACY_ACCESS: 'open',
    WARREN_MAX_FRAME_BYTES: bytes,
    WARREN_MAX_MESSAGE_BYTES: bytes,
    WARREN_MAX_BUFFERED_BYTES: '64MiB',
    WARREN_MAX_UNFINISHED_BYTES: '64MiB',
    WARREN_MAX_SUBSCRIBE_RATE: '1000000',
    // A ping of the server would be among the bytes that are compared.
    WARREN_KEEP_ALIVE: '10m',
  })
  return { opened, port: Number(new URL(opened.url).port) }
}

/** A ping of the protocol is answered with its payload; what is not a message closes with 4400. */
async function openGraphql(): Promise<Endpoint> {
  const { opened, port } = await gateway()
  const init = JSON.stringify({ type: 'connection_init', payload: { token: await opened.clientToken('alice') } })
  const ack = serverFrame(opcodes.text, Buffer.from('{"type":"connection_ack"}'))
  return {
    async open() {
      const peer = await RawPeer.connect(port, '/graphql', ['Sec-WebSocket-Protocol: graphql-transport-ws'])
      await peer.sendText(init)
      await peer.until((bytes) => bytes.equals(ack))
      peer.take()
      return peer
    },
    around: ['{"type":"ping","payload":{"content":"', '"}}'],
    answerTo(message) {
      const payload = parsed(message)?.['payload']
      if (payload !== undefined) return textAnswer(JSON.stringify({ type: 'pong', payload }))
      return { bytes: serverFrame(opcodes.close, closePayload(4400, 'Invalid message received')), closes: true }
    },
    [Symbol.asyncDispose]: () => opened.close(),
  }
}

/** A call is answered under its id; what is not a packet is ignored. */
async function openSocketCluster(): Promise<Endpoint> {
  const { opened, port } = await gateway()
  return {
    async open() {
      const peer = await RawPeer.connect(port, '/socketcluster/')
      await peer.sendText('{"event":"#handshake","data":{"authToken":null},"cid":1}')
      await peer.until((bytes) => bytes.includes('"isAuthenticated":false}}'))
      peer.take()
      return peer
    },
    around: ['{"event":"#unsubscribe","cid":7,"data":{"channel":"alice","content":"', '"}}'],
    answerTo: (message) => (parsed(message) ? textAnswer('{"rid":7}') : noAnswer),
    [Symbol.asyncDispose]: () => opened.close(),
  }
}

/** A message goes to the other clients as it is. */
async function openRoom(): Promise<Endpoint> {
  const { opened, port } = await gateway()
  const other = await RawPeer.connect(port, '/ws')
  let asked = 0
  return {
    open: () => RawPeer.connect(port, '/ws'),
    around: ['', ''],
    answerTo: () => noAnswer,
    async received() {
      asked += 1
      const payload = Buffer.from(`received ${asked}`)
      await other.write(frameBytes({ opcode: opcodes.ping, payload }))
      const pong = serverFrame(opcodes.pong, payload)
      await other.until((bytes) => bytes.subarray(-pong.length).equals(pong))
      return other.take().subarray(0, -pong.length)
    },
    async [Symbol.asyncDispose]() {
      other[Symbol.dispose]()
      await opened.close()
    },
  }
}

export const endpoints: readonly (readonly [name: string, open: () => Promise<Endpoint>])[] = [
  ['ws, the reference', openWs],
  ['/graphql', openGraphql],
  ['/socketcluster/', openSocketCluster],
  ['/ws', openRoom],
]
