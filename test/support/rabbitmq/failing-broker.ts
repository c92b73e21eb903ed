import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/**
 * A message with this header ends whoever is handed it, as RabbitMQ 4 does with what it cannot turn
 * into AMQP 0-9-1.
 */
export const unreadableHeader = 'x-unreadable-in-tests'

export interface FailingBroker extends AsyncDisposable {
  readonly port: number
  /** How many connections were ended with 541 so far. */
  readonly ended: number
  /** Ends the next so many connections at their first delivery, whatever it is. */
  failNext(connections: number): void
}

const frame = { method: 1, header: 2, headBytes: 7, end: 0xce }
const basicDeliver = 0x003c_003c
const basicGetOk = 0x003c_0047
const basicAck = Buffer.from([0, 60, 0, 80])
/** basic.qos without a limit of bytes, for one message. */
const qosOfOne = Buffer.from([0, 60, 0, 10, 0, 0, 0, 0, 0, 1, 0])

/**
 * RabbitMQ behind a proxy that ends the connection with 541 where a message with `unreadableHeader`
 * would be handed out. What came in the same read before it is lost with it, as RabbitMQ's writer
 * may lose it. Where one message is in flight, RabbitMQ 4 comes to the next one when that is
 * acknowledged, and so does this: RabbitMQ 3.10 hands out whole chunks.
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
        // A client that is cut off may lose what it has not read yet: it is to read why it was
        // closed.
        if (!closing || side === client) other.destroy()
      })
    }
    let oneInFlight = false
    /** The channel on which the next message would be the unreadable one; all others are served. */
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

/** connection.close of AMQP 0-9-1 §1.4: code, text, and that no method was the cause. */
function closeFrame(): Buffer {
  const text = Buffer.from('INTERNAL_ERROR')
  const payload = Buffer.concat([Buffer.from([0, 10, 0, 50, 541 >> 8, 541 & 0xff, text.length]), text, Buffer.alloc(4)])
  const head = Buffer.alloc(frame.headBytes)
  head.writeUInt8(frame.method, 0)
  head.writeUInt32BE(payload.length, 3)
  return Buffer.concat([head, payload, Buffer.from([frame.end])])
}
