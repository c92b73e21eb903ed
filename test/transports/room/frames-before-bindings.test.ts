import { afterEach, expect, jest, test } from '@jest/globals'
import type { FanoutListener, GatewayBroker } from '../../../src/brokers/driver.ts'
import type { RoomMember } from '../../../src/transports/room/member.ts'
import { Room } from '../../../src/transports/room/room.ts'
import { RoomFrame } from '../../../src/transports/room/room-frame.ts'

afterEach(() => {
  jest.useRealTimers()
})

/** A broker that publishes at once, and to which a processor answers at once. */
function brokerWithProcessor() {
  const published: string[] = []
  let receive: FanoutListener = () => undefined
  const fanouts = { bound: false, close: () => Promise.resolve() }
  const broker = {
    consumeFanouts: (_exchanges: unknown, listener: FanoutListener) => {
      receive = listener
      return fanouts
    },
    publish: async ({ exchange, body }: { exchange: string; body: Buffer }) => {
      published.push(exchange)
      // What no queue is bound to is lost.
      if (exchange !== 'out' || !fanouts.bound) return
      receive({
        exchange: 'in',
        routingKey: '',
        body: Buffer.from(`${body.toString()}!`),
        properties: {},
        redelivered: false,
        receivedAt: 0,
      })
    },
  } as unknown as GatewayBroker
  return { broker, fanouts, published }
}

test('a frame that arrives before the queue for answers is bound waits for it, so no answer is lost', async () => {
  jest.useFakeTimers()
  const { broker, fanouts, published } = brokerWithProcessor()
  const options = { namespace: 'warren', inExchange: 'in', outExchange: 'out', maxBufferedBytes: 10_000 }
  const room = new Room({ ...options, broker, log: () => {} })
  const delivered: string[] = []
  const member = {
    envelope: 'none',
    payer: undefined,
    deliver: ({ body }: RoomFrame, kind: string) => delivered.push(`${kind} ${body.toString()}`),
  } as unknown as RoomMember
  room.join(member)
  expect(room.accept(member, new RoomFrame(Buffer.from('hello'), false))).toBe(true)
  await jest.advanceTimersByTimeAsync(1_000)
  expect([published, delivered]).toEqual([[], []])
  fanouts.bound = true
  await jest.advanceTimersByTimeAsync(1_000)
  expect(published).toEqual(['warren.room', 'out'])
  expect(delivered).toEqual(['processed hello!'])
  await room.close()
})
