import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'
import { afterEach, describe, expect, test } from '@jest/globals'
import { Deadlines } from '../../../src/transports/flow/deadlines.ts'
import { ReadThrottle } from '../../../src/transports/flow/read-throttle.ts'
import { pieceBytes, UnfinishedMessages } from '../../../src/transports/flow/unfinished-messages.ts'
import {
  WebSocketConnection,
  type WebSocketHost,
  type WebSocketUser,
} from '../../../src/transports/websocket/websocket-connection.ts'
import { WebSocketServer } from '../../../src/transports/websocket/websocket-server.ts'
import { closePayload, frameBytes, opcodes, serverFrame } from './client-frames.ts'

/** A TCP connection without a network. `sent`: what the gateway has written. */
class Wire extends Duplex {
  sent = Buffer.alloc(0)
  ended = false
  /** Whether the peer reads nothing, so that writes wait. */
  stuck = false

  constructor() {
    super({ allowHalfOpen: true })
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.sent = Buffer.concat([this.sent, chunk])
    if (!this.stuck) done()
  }

  override _final(done: () => void): void {
    this.ended = true
    done()
  }
}

/** Ends what a test has left open. */
const rest: (() => void)[] = []
afterEach(() => {
  for (const end of rest.splice(0)) end()
})

const address = '192.0.2.1'
const KiB = 1024

function unfinishedMessages(maxUnfinishedBytes = 64 * KiB): UnfinishedMessages {
  return new UnfinishedMessages({ limits: { maxUnfinishedBytes }, authTimeoutMs: 60_000, requestTimeoutMs: 60_000 })
}

interface ServedOptions {
  readonly explainsRefusals?: boolean
  readonly own?: Partial<WebSocketUser>
  readonly closeMs?: number
}

function served({ explainsRefusals = true, own = {}, closeMs = 60_000 }: ServedOptions = {}) {
  const events: unknown[] = []
  const wire = new Wire()
  const unfinished = unfinishedMessages()
  const host: WebSocketHost = {
    unfinished,
    keepAlive: undefined,
    closing: new Deadlines(closeMs, (late) => late.terminate()),
    open: new Set(),
    explainsRefusals,
  }
  const socket = new WebSocketConnection(wire, host)
  rest.push(() => {
    socket.terminate()
    host.closing.close()
  })
  const user: WebSocketUser = {
    address,
    isKnown: true,
    maxMessageBytes: 100 * KiB,
    onMessage: (data, isBinary) => events.push(['message', data.toString(), isBinary]),
    onPong: () => events.push('pong'),
    flush: () => events.push('flush'),
    onCutOff: (end) => events.push(['cut off', end]),
    onClosed: (code) => events.push(['closed', code]),
    ...own,
  }
  const throttle = new ReadThrottle(socket)
  socket.serve(user, throttle)
  const receive = async (bytes: Buffer): Promise<void> => {
    wire.push(bytes)
    await turn()
  }
  const held = () => unfinished.bytesOf(address)
  return { events, wire, host, socket, receive, held, throttle }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))
const client = (opcode: number, payload: string | Buffer) => frameBytes({ opcode, payload: Buffer.from(payload) })
const close = (code: number, reason = '') => serverFrame(opcodes.close, closePayload(code, reason))

describe('a WebSocket', () => {
  test('passes on messages and pongs, and answers pings with their payload', async () => {
    const { events, wire, receive, host, socket } = served()
    expect([host.open.has(socket), socket.isOpen, socket.address, socket.isKnown]).toEqual([true, true, address, true])
    await receive(Buffer.concat([client(opcodes.text, 'a'), client(opcodes.ping, 'p'), client(opcodes.binary, 'b')]))
    await receive(client(opcodes.pong, ''))
    expect(events).toEqual([['message', 'a', false], ['message', 'b', true], 'pong'])
    expect(wire.sent).toEqual(serverFrame(opcodes.pong, Buffer.from('p')))
  })

  test('leaves pings to a user that answers them itself', async () => {
    const pings: string[] = []
    const { wire, receive } = served({ own: { onPing: (data) => pings.push(data.toString()) } })
    await receive(client(opcodes.ping, 'p'))
    expect([pings, wire.sent.length]).toEqual([['p'], 0])
  })

  test('bounds the answers to pings that the client does not read', async () => {
    const { wire, receive, throttle, socket } = served()
    wire.stuck = true
    const pings = Buffer.concat(Array.from({ length: 3_000 }, () => client(opcodes.ping, 'p'.repeat(125))))
    await receive(pings)
    expect([throttle.isFull, socket.isPaused]).toEqual([true, true])
  })

  test('pings, unless it is closing', () => {
    const { wire, socket } = served()
    socket.ping()
    socket.close(1000, '')
    socket.ping()
    expect(wire.sent).toEqual(Buffer.concat([serverFrame(opcodes.ping, Buffer.alloc(0)), close(1000)]))
  })

  test('closes once, after what waited was written, and reads nothing more but the answer', async () => {
    const { events, wire, socket, receive, host } = served()
    socket.pause()
    expect(socket.isPaused).toBe(true)
    socket.close(4400, 'naïve')
    socket.close(1000, 'again')
    expect(wire.sent).toEqual(close(4400, 'naïve'))
    expect([events, socket.isOpen, socket.isPaused]).toEqual([['flush'], false, false])
    socket.pause()
    expect(socket.isPaused).toBe(false)
    await receive(
      Buffer.concat([client(opcodes.text, 'late'), client(opcodes.ping, ''), client(8, closePayload(4400))]),
    )
    expect([events, wire.ended]).toEqual([['flush'], true])
    expect(wire.sent).toEqual(close(4400, 'naïve'))
    wire.destroy()
    await once(wire, 'close')
    expect(events).toEqual(['flush', ['closed', 4400]])
    expect(host.open.size).toBe(0)
  })

  test.each<[string, Buffer, Buffer, number]>([
    ['its code and reason', closePayload(1001, 'bye'), close(1001, 'bye'), 1001],
    ['no code', Buffer.alloc(0), serverFrame(opcodes.close, Buffer.alloc(0)), 1005],
  ])('answers a close frame with %s, and ends the connection first', async (_what, payload, answer, code) => {
    const { events, wire, receive } = served()
    await receive(client(opcodes.close, payload))
    await receive(client(opcodes.text, 'late'))
    expect([wire.sent, wire.ended, events]).toEqual([answer, true, ['flush']])
    wire.destroy()
    await once(wire, 'close')
    expect(events).toEqual(['flush', ['closed', code]])
  })

  test('cuts off a client that breaks the protocol, with the code and without a text', async () => {
    const { events, wire, receive, held, socket } = served()
    await receive(frameBytes({ opcode: opcodes.text, payload: Buffer.from('a'), fin: false }))
    expect(held()).toBe(1 + pieceBytes)
    await receive(Buffer.from([0xff, 0xff]))
    expect([wire.sent, wire.ended, socket.isOpen, held()]).toEqual([close(1002), true, false, 0])
    expect(events).toEqual(['flush', ['cut off', 'bad-request']])
    await receive(client(opcodes.text, 'late'))
    wire.destroy()
    await once(wire, 'close')
    expect(events).toEqual(['flush', ['cut off', 'bad-request'], ['closed', 1006]])
  })

  test('passes on an error of its user', () => {
    const { socket } = served({
      own: {
        onMessage() {
          throw new Error('a fault of the gateway')
        },
      },
    })
    expect(() => socket.receive(client(opcodes.text, 'a'))).toThrow('a fault of the gateway')
  })

  test.each([
    [true, 'Too many unfinished messages'],
    [false, ''],
  ])('refuses unfinished messages above the limit of an address (explained: %s)', async (explainsRefusals, reason) => {
    const { events, wire, receive, held } = served({ explainsRefusals })
    const whole = client(opcodes.text, 'x'.repeat(70 * KiB))
    await receive(whole.subarray(0, 60 * KiB))
    expect(held()).toBe(60 * KiB + pieceBytes)
    await receive(whole.subarray(60 * KiB, 65 * KiB))
    expect([wire.sent, wire.ended, held()]).toEqual([close(1013, reason), true, 0])
    expect(events).toEqual(['flush', ['cut off', 'bad-request']])
  })

  test('refuses a message that takes too long', async () => {
    const { events, wire, socket } = served()
    socket.refuseUnfinished({ kind: 'late', afterMs: 5 })
    expect(wire.sent).toEqual(close(1008, 'The message took too long'))
    expect(events).toEqual(['flush', ['cut off', 'bad-request']])
  })

  test('accounts for what its user holds, beside what is unfinished', async () => {
    const { receive, held, socket, wire } = served()
    socket.holdForUser(1_000)
    socket.holdForUser(1_000)
    expect(held()).toBe(1_000)
    const whole = client(opcodes.text, 'hello')
    await receive(whole.subarray(0, 3))
    expect(held()).toBe(1_003 + pieceBytes)
    socket.holdForUser(0)
    expect(held()).toBe(3 + pieceBytes)
    await receive(whole.subarray(3))
    expect(held()).toBe(0)
    socket.holdForUser(7)
    wire.destroy()
    await once(wire, 'close')
    expect(held()).toBe(0)
    socket.holdForUser(9)
    expect(held()).toBe(0)
  })

  test('ends when the client closes its side', async () => {
    const { events, wire, socket } = served()
    const closed = once(wire, 'close')
    wire.push(null)
    await closed
    expect([socket.isOpen, wire.ended, wire.sent.length]).toEqual([false, true, 0])
    expect(events).toEqual([['closed', 1006]])
  })

  test('is terminated if the client does not answer the close frame', async () => {
    const { events, wire, socket } = served({ closeMs: 20 })
    socket.close(1000, '')
    await once(wire, 'close')
    expect(events).toEqual(['flush', ['closed', 1006]])
    expect([socket.address, socket.isKnown, socket.maxMessageBytes]).toEqual(['', false, 0])
  })

  test('reports a client that reads nothing, and terminates without a close frame', async () => {
    const { events, wire, socket } = served()
    socket.stalled()
    socket.terminate()
    await once(wire, 'close')
    expect([events, wire.sent.length]).toEqual([
      [
        ['cut off', 'slow-consumer'],
        ['closed', 1006],
      ],
      0,
    ])
  })
})

describe('a WebSocket server', () => {
  const headers = {
    upgrade: 'websocket',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-version': '13',
  }
  const requestWith = (method: string) => ({ method, headers }) as unknown as IncomingMessage
  const request = requestWith('GET')
  const nothing = Buffer.alloc(0)
  const user: WebSocketUser = {
    address,
    isKnown: true,
    maxMessageBytes: 100,
    onMessage: () => {},
    flush: () => {},
    onCutOff: () => {},
    onClosed: () => {},
  }
  const server = () =>
    new WebSocketServer({ unfinished: unfinishedMessages(), closeTimeoutMs: 60_000, explainsRefusals: true })

  test('answers the handshake, and reads what came with it', async () => {
    const wire = new Wire()
    const messages: string[] = []
    const accepted = server().accept(request, wire, client(opcodes.text, 'early'))
    expect(wire.sent.toString()).toMatch(/^HTTP\/1\.1 101 /)
    accepted?.socket.serve({ ...user, onMessage: (data) => messages.push(data.toString()) })
    await turn()
    expect(messages).toEqual(['early'])
  })

  test('refuses an invalid handshake, and a stream that has gone', () => {
    const wire = new Wire()
    expect(server().accept(requestWith('POST'), wire, nothing)).toBeUndefined()
    expect(wire.sent.toString()).toMatch(/^HTTP\/1\.1 405 /)
    const gone = new Wire()
    gone.end()
    expect(server().accept(request, gone, nothing)).toBeUndefined()
    expect([gone.destroyed, gone.sent.length]).toEqual([true, 0])
  })

  test('closes all sockets, waits for them, and accepts none meanwhile', async () => {
    const closing = server()
    const wires = [new Wire(), new Wire()]
    for (const wire of wires) closing.accept(request, wire, nothing)?.socket.serve(user)
    const done = closing.close((socket) => socket.close(1001, 'restart'))
    const late = new Wire()
    expect(closing.accept(request, late, nothing)).toBeUndefined()
    expect(late.sent.toString()).toMatch(/^HTTP\/1\.1 503 /)
    expect(wires.map(({ sent }) => sent.subarray(-11))).toEqual([close(1001, 'restart'), close(1001, 'restart')])
    wires[0]?.destroy()
    let isDone = false
    void done.then(() => (isDone = true))
    await turn()
    expect(isDone).toBe(false)
    // The other one never answers: it is cut off after a second.
    await done
    expect(wires[1]?.destroyed).toBe(true)
  })
})
