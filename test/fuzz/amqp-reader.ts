import { deepStrictEqual, ok } from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import { type Delivery, DeliveryReader } from '../../src/brokers/rabbitmq/message/delivery-reader.ts'
import { splitInput } from './pieces.ts'

/**
 * A broker's frames: read in one piece and in many, the same messages arrive, and amqplib gets the
 * bytes as they came. What is invalid ends the connection and nothing else.
 */
export function fuzz(data: Buffer): void {
  const { bytes, pieces } = splitInput(data)
  for (const inPlace of [true, false]) {
    const found = read([bytes], inPlace)
    deepStrictEqual(read(pieces, inPlace), found)
    deepStrictEqual(read(pieces, inPlace, true), found)
  }
  const inPieces = passedOn(pieces)
  const inOne = passedOn([bytes])
  ok(bytes.subarray(0, inOne.length).equals(inOne))
  // After bytes that are not AMQP, what is passed depends on the pieces: amqplib has ended by then.
  ok(inOne.subarray(0, inPieces.length).equals(inPieces))
}

function read(pieces: readonly Buffer[], inPlace: boolean, inReadBuffer = false): readonly unknown[] {
  const found: unknown[] = []
  const reader = new DeliveryReader(inPlace)
  reader.intercept(
    'c',
    ({ deliveryTag, redelivered, streamOffset, exchange, routingKey, properties, body }: Delivery) =>
      found.push({
        deliveryTag,
        redelivered,
        streamOffset,
        exchange,
        routingKey,
        properties,
        body: inReadBuffer ? Buffer.from(body) : body,
      }),
    { inReadBuffer },
  )
  feed(reader, pieces, () => {})
  return found
}

/** Without consumers all frames go to amqplib. */
function passedOn(pieces: readonly Buffer[]): Buffer {
  const passed: Buffer[] = []
  feed(new DeliveryReader(true), pieces, (bytes) => passed.push(bytes))
  return Buffer.concat(passed)
}

function feed(reader: DeliveryReader, pieces: readonly Buffer[], push: (bytes: Buffer) => void): void {
  let ended = false
  const socket = {
    push(bytes: Buffer) {
      push(bytes)
      return true
    },
    destroy(error: unknown) {
      ok(error instanceof Error)
      ended = true
    },
  }
  for (const piece of pieces) {
    if (ended) return
    const buffer = Buffer.from(piece)
    reader.onread.callback.call(socket as unknown as Duplex, piece.length, buffer)
    // The socket reads the next bytes into the same memory.
    buffer.fill(0xff)
  }
}
