import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { BrokerAddress } from './address.ts'
import { tlsOptionsOf } from './tls-files.ts'

/** RabbitMQ accepted the user and then refused the virtual host. */
export class VirtualHostRefused extends Error {
  override readonly name = 'VirtualHostRefused'
  /** RabbitMQ's own text, if it could be obtained. */
  readonly text: string | undefined

  constructor(text: string | undefined) {
    super(`RabbitMQ refused the virtual host: ${text ?? 'without a reason'}`)
    this.text = text
  }
}

const methods = {
  start: 0x000a000a,
  startOk: 0x000a000b,
  tune: 0x000a001e,
  tuneOk: 0x000a001f,
  open: 0x000a0028,
  close: 0x000a0032,
}

/**
 * Obtains RabbitMQ's reason by a second handshake without amqplib. amqplib reports a refused
 * connection.open without the text that distinguishes an unknown, forbidden, full or stopped
 * virtual host. Resolves with undefined if there is no text.
 */
export async function readOpenRefusal(
  address: BrokerAddress,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  // With a client certificate (SASL EXTERNAL) there is no second handshake, so only amqplib's error
  // is reported.
  if (address.external) return undefined
  const tlsOptions = await tlsOptionsOf(address)
  return new Promise((resolve) => {
    const { host, port, tls } = address
    const options = { host, port, signal }
    const socket: Socket = tls
      ? connectTls({ ...options, ...(isIP(host) ? {} : { servername: host }), ...tlsOptions })
      : connectTcp(options)
    const done = (text: string | undefined) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(text)
    }
    const timer = setTimeout(() => done(undefined), timeoutMs)
    socket.on('error', () => done(undefined))
    socket.on('close', () => done(undefined))
    socket.once(tls ? 'secureConnect' : 'connect', () => socket.write(Buffer.from('AMQP\0\0\x09\x01', 'latin1')))
    let received = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      // A frame is type, channel (2), size (4), payload, end octet (AMQP 0-9-1 §4.2.3).
      while (received.length >= 8 && received.length >= received.readUInt32BE(3) + 8) {
        const size = received.readUInt32BE(3)
        const payload = received.subarray(7, 7 + size)
        received = received.subarray(size + 8)
        if (payload.length < 4) return done(undefined)
        const method = payload.readUInt32BE(0)
        if (method === methods.start) socket.write(frame(methods.startOk, startOk(address)))
        else if (method === methods.tune) {
          socket.write(frame(methods.tuneOk, payload.subarray(4)))
          socket.write(frame(methods.open, Buffer.concat([shortString(address.virtualHost), Buffer.from([0, 0])])))
        } else if (method === methods.close) {
          const length = payload[6] ?? 0
          return done(payload.toString('utf8', 7, 7 + length).replace(/^[A-Z_]+ - /, ''))
        } else return done(undefined)
      }
    })
  })
}

function startOk({ user, password }: BrokerAddress): Buffer {
  const response = Buffer.from(`\0${user}\0${password}`)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(response.length)
  const noProperties = Buffer.alloc(4)
  return Buffer.concat([noProperties, shortString('PLAIN'), length, response, shortString('en_US')])
}

function shortString(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.from([bytes.length]), bytes])
}

function frame(method: number, args: Buffer): Buffer {
  const head = Buffer.alloc(11)
  head.writeUInt8(1, 0)
  head.writeUInt32BE(args.length + 4, 3)
  head.writeUInt32BE(method, 7)
  return Buffer.concat([head, args, Buffer.from([0xce])])
}
