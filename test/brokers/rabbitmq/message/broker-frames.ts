import type { Duplex } from 'node:stream'
import { type Delivery, DeliveryReader } from '../../../../src/brokers/rabbitmq/message/delivery-reader.ts'

export function number(value: number, bytes: number): Buffer {
  const result = Buffer.alloc(bytes)
  result.writeUIntBE(value, bytes - 4, 4)
  return result
}

export function frame(type: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type, 0, 1]), number(payload.length, 4), payload, Buffer.from([0xce])])
}

/**
 * Reads bytes of a broker as the consumer `c`. `error`: what ended the connection. `passed`: what
 * amqplib gets.
 */
export function readFrames(
  pieces: readonly Buffer[],
  inPlace = true,
): { deliveries: Delivery[]; error: Error | undefined; passed: Buffer } {
  const deliveries: Delivery[] = []
  const passed: Buffer[] = []
  let ended: Error | undefined
  const reader = new DeliveryReader(inPlace)
  reader.intercept('c', (delivery) => deliveries.push({ ...delivery }))
  const socket = {
    push: (bytes: Buffer) => passed.push(bytes) > 0,
    destroy(error: Error) {
      ended = error
    },
  }
  for (const piece of pieces)
    if (!ended) reader.onread.callback.call(socket as unknown as Duplex, piece.length, Buffer.from(piece))
  return { deliveries, error: ended, passed: Buffer.concat(passed) }
}
