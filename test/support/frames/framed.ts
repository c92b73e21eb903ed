import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Inbox } from './inbox.ts'

export type ByteOrder = 'little' | 'big'

export interface FramedHeader {
  readonly byteorder: ByteOrder
  readonly 'content-type': string
  readonly 'content-encoding': string
  readonly 'content-length': number
}

/** A received frame; the content is parsed if it is JSON. */
export interface FramedAnswer {
  readonly header: FramedHeader
  readonly content: Buffer
  readonly json: Record<string, unknown>
}

export interface FramedClient extends AsyncDisposable {
  readonly socket: Socket
  readonly waiting: readonly FramedAnswer[]
  /** Resolves to all received frames, in order, when the connection is closed. */
  readonly closed: Promise<void>
  send(request: object): void
  next(withinMs?: number): Promise<FramedAnswer>
  /** The first frame with JSON that matches. */
  nextJson(matches: (json: Record<string, unknown>) => boolean, withinMs?: number): Promise<Record<string, unknown>>
  /** Sends a request and resolves to the answer with the same `id`. */
  ask(request: Record<string, unknown>): Promise<Record<string, unknown>>
}

/**
 * A frame as the old protocol defines it. The test has its own encoder, so that it does not check
 * the gateway's code against itself.
 */
export function frameBytes(content: Buffer, header: Record<string, unknown> = {}): Buffer {
  const json = Buffer.from(
    JSON.stringify({
      byteorder: 'little',
      'content-type': 'text/json',
      'content-encoding': 'utf-8',
      'content-length': content.length,
      ...header,
    }),
  )
  const length = Buffer.alloc(2)
  length.writeUInt16BE(json.length)
  return Buffer.concat([length, json, content])
}

export function requestBytes(request: object): Buffer {
  return frameBytes(Buffer.from(JSON.stringify(request)))
}

/** Reads frames from a stream of bytes; throws on bytes that are not a frame. */
export function frameReader(onFrame: (answer: FramedAnswer) => void): (piece: Buffer) => void {
  let bytes = Buffer.alloc(0)
  return (piece) => {
    bytes = Buffer.concat([bytes, piece])
    for (;;) {
      if (bytes.length < 2) return
      const headerEnd = 2 + bytes.readUInt16BE(0)
      if (bytes.length < headerEnd) return
      const header = JSON.parse(bytes.subarray(2, headerEnd).toString()) as FramedHeader
      const end = headerEnd + header['content-length']
      if (bytes.length < end) return
      const content = Buffer.from(bytes.subarray(headerEnd, end))
      bytes = bytes.subarray(end)
      const isJson = header['content-type'] === 'text/json'
      onFrame({ header, content, json: isJson ? (JSON.parse(content.toString()) as Record<string, unknown>) : {} })
    }
  }
}

/**
 * A client of the framed protocol. It queues every frame until the test takes it, and answers
 * pings.
 */
export async function connectFramed(port: number, { answersPings = true } = {}): Promise<FramedClient> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const inbox = new Inbox<FramedAnswer>('a frame of TCP')
  const send = (request: object) => void socket.write(requestBytes(request))
  const read = frameReader((answer) => {
    if (answersPings && answer.json['kind'] === 'ping') send({ action: 'pong' })
    else inbox.push(answer)
  })
  socket.on('data', read)
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      inbox.end(new Error('the connection was closed'))
      resolve()
    })
  })
  await once(socket, 'connect')
  socket.on('error', () => {})
  let requests = 0
  const nextJson: FramedClient['nextJson'] = async (matches, withinMs) =>
    (await inbox.nextMatching(({ json }) => matches(json), withinMs)).json
  return {
    socket,
    closed,
    get waiting() {
      return inbox.waiting
    },
    send,
    next: (withinMs) => inbox.next(withinMs),
    nextJson,
    ask(request) {
      requests += 1
      const id = `ask-${requests}`
      send({ ...request, id })
      return nextJson((json) => json['id'] === id)
    },
    async [Symbol.asyncDispose]() {
      socket.destroy()
      await closed
    },
  }
}
