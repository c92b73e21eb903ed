import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import type { ChannelModel } from 'amqplib'
import { EpochLog } from '../../../../src/brokers/rabbitmq/stream/epoch-log.ts'

interface Published {
  readonly channel: number
  readonly messageId: string
  readonly mandatory: boolean
  readonly body: Buffer
}

/**
 * A connection to a broker that confirms everything. The test decides what it returns and delivers.
 */
function brokerOf() {
  const published: Published[] = []
  const confirming: EventEmitter[] = []
  const reading = new EventEmitter()
  let deliver: (message: unknown) => void = () => {}
  const connection = {
    createChannel: async () =>
      Object.assign(reading, {
        prefetch: async () => ({}),
        ack: () => {},
        consume: async (_queue: string, take: (message: unknown) => void) => {
          deliver = take
        },
      }),
    createConfirmChannel: async () => {
      const channel = confirming.length
      const made = Object.assign(new EventEmitter(), {
        close: async () => {},
        publish: (
          _exchange: string,
          _key: string,
          body: Buffer,
          options: { messageId: string; mandatory: boolean },
          confirmed: (error: null) => void,
        ) => {
          published.push({ channel, body, messageId: options.messageId, mandatory: options.mandatory })
          confirmed(null)
        },
      })
      confirming.push(made)
      return made
    },
  } as unknown as ChannelModel
  return {
    connection,
    published,
    reading,
    confirming,
    deliver: ({ messageId, body }: { messageId: string; body: Buffer }) =>
      deliver({ content: body, properties: { messageId } }),
  }
}

let broker: ReturnType<typeof brokerOf>
let log: EpochLog

beforeEach(() => {
  jest.useFakeTimers()
  broker = brokerOf()
  log = new EpochLog(broker.connection, 'warren.journal')
})
afterEach(() => void jest.useRealTimers())

const first = () => broker.published[0] as Published

test('a record counts when it is read back, and is written again under its id until then', async () => {
  let written = false
  const writing = log.write({ epoch: '0123456789abcdef' }).then(() => {
    written = true
  })
  await jest.advanceTimersByTimeAsync(1_600)
  expect(written).toBe(false)
  expect(broker.published).toHaveLength(4)
  expect(new Set(broker.published.map(({ messageId }) => messageId)).size).toBe(1)
  expect(broker.published.every(({ mandatory }) => mandatory)).toBe(true)
  broker.deliver(first())
  await writing
  await jest.advanceTimersByTimeAsync(5_000)
  expect(broker.published).toHaveLength(4)
})

test('after a return it publishes on another channel', async () => {
  const writing = log.write({ epoch: '0123456789abcdef' })
  await jest.advanceTimersByTimeAsync(100)
  broker.confirming[0]?.emit('return', {})
  await jest.advanceTimersByTimeAsync(500)
  expect(broker.published.map(({ channel }) => channel)).toEqual([0, 1])
  broker.deliver(first())
  await writing
})

test('reads up to its own probe: the last epoch, and each key where it was written last', async () => {
  const reading = log.read()
  await jest.advanceTimersByTimeAsync(0)
  const records = [
    { epoch: '00000000000000aa', key: 'one' },
    { epoch: '00000000000000bb', key: 'two' },
    { epoch: 'no epoch', key: 'one' },
    'no record',
  ]
  for (const record of records) broker.deliver({ messageId: 'old', body: Buffer.from(JSON.stringify(record)) })
  broker.deliver(first())
  expect(await reading).toEqual({ epoch: '00000000000000bb', isOld: false, keys: ['two', 'one'] })
})

test('gives up after 5 s', async () => {
  const refusal = log.read().catch((error: Error) => error.message)
  await jest.advanceTimersByTimeAsync(5_000)
  expect(await refusal).toBe('no answer from stream "warren.journal.epoch" within 5000 ms')
})

test('rejects with a refusal at once', async () => {
  const refusal = log.read().catch((error: Error) => error.message)
  await jest.advanceTimersByTimeAsync(0)
  broker.confirming[0]?.emit('error', new Error('no permission'))
  expect(await refusal).toBe('no permission')
})

test('writes nothing more if the connection ends while it begins to read', async () => {
  const refusal = log.read().catch((error: Error) => error.message)
  await Promise.resolve()
  broker.reading.emit('close')
  expect(await refusal).toBe('the connection was lost')
  await jest.advanceTimersByTimeAsync(5_000)
  expect(broker.published).toEqual([])
  expect(jest.getTimerCount()).toBe(0)
})

test('reads a long log for longer than 5 s, as long as records arrive', async () => {
  const reading = log.read()
  for (let second = 0; second < 12; second += 3) {
    await jest.advanceTimersByTimeAsync(3_000)
    broker.deliver({ messageId: 'old', body: Buffer.from(JSON.stringify({ epoch: '00000000000000aa' })) })
  }
  broker.deliver(first())
  expect(await reading).toMatchObject({ epoch: '00000000000000aa' })
})
