import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/**
 * A message with this header ends each connection that it is delivered to, as in RabbitMQ 4 a
 * message that has no form in AMQP 0-9-1.
 */
export const unreadableHeader = 'x-unreadable-in-tests'

export interface FailingBroker extends AsyncDisposable {
  readonly port: number
  /** The number of connections ended with 541 so far. */
  readonly ended: number
  /** Ends the next `connections` connections at their first delivery, with any message. */
  failNext(connections: number): void
}

const frame = { method: 1, header: 2, headBytes: 7, end: 0xce }
const basicDeliver = 0x003c_003c
const basicGetOk = 0x003c_0047
const basicAck = Buffer.from([0, 60, 0, 80])
/** basic.qos for one message, with no limit of bytes. */
const qosOfOne = Buffer.from([0, 60, 0, 10, 0, 0, 0, 0, 0, 1, 0])

/**
 * A proxy before RabbitMQ. It ends a connection with 541 before it would deliver a message with
 * `unreadableHeader`. Deliveries in the same read before it are lost, as they may be in RabbitMQ's
 * writer. With a prefetch of one, RabbitMQ 4 reaches the next message at an acknowledgement, and so
 * does the proxy; RabbitMQ 3.10 delivers whole chunks.
 */
export async function failingBroker(targetPort: number): Promise<FailingBroker> {
  let ended = 0
  let failing = 0
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port: targetPort, host: '127.0.0.1', noDelay: true })
    let closing = false
    for (const [side, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(side)
      side.on('error', () => {})
      side.on('close', () => {
        sockets.delete(side)
        // A connection that is destroyed may lose unread bytes, and the client must read why it was
        // closed.
        if (!closing || side === client) other.destroy()
      })
    }
    let oneInFlight = false
    /** The channel with the unreadable message next; the others continue. */
    let doomed: number | undefined
    const close = (): void => {
      ended += 1
      closing = true
      client.end(closeFrame())
      upstream.destroy()
    }
    client.on('data', (bytes: Buffer) => {
      if (closing) return
      if (bytes.includes(qosOfOne)) oneInFlight = true
      if (doomed !== undefined && bytes.includes(basicAck)) close()
      else upstream.write(bytes)
    })
    let rest = Buffer.alloc(0)
    upstream.on('data', (bytes: Buffer) => {
      const all = Buffer.concat([rest, bytes])
      let at = 0
      let handedOut = 0
      let handedOutAt = 0
      let passed = 0
      const passUpTo = (end: number): void => {
        if (end > passed) client.write(all.subarray(passed, end))
        passed = end
      }
      while (at + frame.headBytes < all.length) {
        const end = at + frame.headBytes + all.readUInt32BE(at + 3) + 1
        if (end > all.length) break
        if (all.readUInt16BE(at + 1) === doomed) {
          passUpTo(at)
          passed = end
          at = end
          continue
        }
        const body = all.subarray(at + frame.headBytes, end)
        if (all[at] === frame.method && [basicDeliver, basicGetOk].includes(body.readUInt32BE(0))) {
          handedOut += 1
          handedOutAt = at
        }
        if (all[at] === frame.header && (body.includes(unreadableHeader) || (failing > 0 && handedOut > 0))) {
          if (failing > 0) failing -= 1
          if (!oneInFlight) return close()
          passUpTo(handedOutAt)
          if (handedOut === 1) return close()
          doomed = all.readUInt16BE(at + 1)
          passed = end
        }
        at = end
      }
      passUpTo(at)
      rest = Buffer.from(all.subarray(at))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return {
    port: address.port,
    get ended() {
      return ended
    },
    failNext(connections) {
      failing = connections
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** connection.close of AMQP 0-9-1 §1.4: code, text, and no failing method. */
function closeFrame(): Buffer {
  const text = Buffer.from('INTERNAL_ERROR')
  const payload = Buffer.concat([Buffer.from([0, 10, 0, 50, 541 >> 8, 541 & 0xff, text.length]), text, Buffer.alloc(4)])
  const head = Buffer.alloc(frame.headBytes)
  head.writeUInt8(frame.method, 0)
  head.writeUInt32BE(payload.length, 3)
  return Buffer.concat([head, payload, Buffer.from([frame.end])])
}
