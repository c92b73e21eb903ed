import { EventEmitter } from 'node:events'
import { beforeEach, expect, test } from '@jest/globals'
import { IllegalOperationError } from '../../../../src/brokers/rabbitmq/connection/amqp.ts'
import type { ConnectionSession } from '../../../../src/brokers/rabbitmq/connection/reconnecting-connection.ts'
import { PendingPublish } from '../../../../src/brokers/rabbitmq/publish/pending-publish.ts'
import { ReplaceableChannel } from '../../../../src/brokers/rabbitmq/publish/replaceable-channel.ts'

let opened: FakeChannel[]
let opens: () => Promise<FakeChannel>
let session: ConnectionSession
let end: AbortController
let calls: string[]
let channel: ReplaceableChannel

beforeEach(() => {
  ;[opened, calls, end] = [[], [], new AbortController()]
  opens = async () => new FakeChannel()
  const createConfirmChannel = async (): Promise<FakeChannel> => {
    const next = await opens()
    opened.push(next)
    return next
  }
  session = {
    connection: { createConfirmChannel },
    signal: end.signal,
    fail: (error: Error) => end.abort(error),
  } as unknown as ConnectionSession
  channel = new ReplaceableChannel({
    onReady: () => calls.push('ready'),
    onReturn: (messageId) => calls.push(`return ${messageId}`),
    onLost: () => calls.push('lost'),
  })
})

test('two calls open one channel', async () => {
  await Promise.all([channel.open(session), channel.open(session)])
  expect({ opened: opened.length, isOpen: channel.isOpen, calls }).toEqual({
    opened: 1,
    isOpen: true,
    calls: ['ready'],
  })
})

test('a channel that cannot be opened fails the session', async () => {
  opens = () => Promise.reject(new Error('no channel is left'))
  await channel.open(session)
  expect(end.signal.reason).toEqual(new Error('no channel is left'))
  expect(channel.isOpen).toBe(false)
})

test('a channel that opens after the end of its session is not used, and the next session may open one', async () => {
  let answer = (_channel: FakeChannel): void => {}
  opens = () => new Promise((resolve) => (answer = resolve))
  const opening = channel.open(session)
  end.abort(new Error('lost'))
  channel.reset()
  answer(new FakeChannel())
  await opening
  opens = async () => new FakeChannel()
  expect({ isOpen: channel.isOpen, calls }).toEqual({ isOpen: false, calls: [] })
  await channel.open({ ...session, signal: new AbortController().signal })
  expect(channel.isOpen).toBe(true)
})

test('is full after a publish that fills the buffer, until it drains', async () => {
  await channel.open(session)
  const [current] = opened
  if (current) current.publish = () => false
  expect(channel.publish(message(), () => {})).toBe(true)
  expect(channel.isFull).toBe(true)
  current?.emit('drain')
  expect({ isFull: channel.isFull, calls }).toEqual({ isFull: false, calls: ['ready', 'ready'] })
})

test('a channel that is closing takes no message and is not used again', async () => {
  await channel.open(session)
  const [current] = opened
  if (current)
    current.publish = () => {
      throw new IllegalOperationError('Channel closing', new Error().stack ?? '')
    }
  expect(channel.publish(message(), () => {})).toBe(false)
  expect(channel.isOpen).toBe(false)
  expect(channel.publish(message(), () => {})).toBe(false)
})

test('an error of the encoder is thrown, and the channel stays open', async () => {
  await channel.open(session)
  const [current] = opened
  if (current)
    current.publish = () => {
      throw new TypeError("Field 'headers' is the wrong type")
    }
  expect(() => channel.publish(message(), () => {})).toThrow(TypeError)
  expect(channel.isOpen).toBe(true)
})

test('a close by RabbitMQ is reported with its reply, which is kept until the next channel is open', async () => {
  await channel.open(session)
  const [current] = opened
  const text = 'Channel closed by server: 404 (NOT-FOUND) with message "NOT_FOUND - no exchange \'orders\'"'
  current?.emit('error', Object.assign(new Error(text), { classId: 60, methodId: 40 }))
  current?.emit('close')
  expect({ isOpen: channel.isOpen, calls }).toEqual({ isOpen: false, calls: ['ready', 'lost'] })
  expect(channel.fault).toMatchObject({ code: 404, toPublish: true })
  await channel.open(session)
  expect(channel.fault).toBeUndefined()
})

test('events of a channel that was closed are ignored', async () => {
  await channel.open(session)
  channel.close()
  const [former] = opened
  expect(former?.closed).toBe(true)
  for (const event of ['drain', 'close']) former?.emit(event)
  former?.emit('return', { properties: { messageId: 'one' } })
  expect({ isOpen: channel.isOpen, calls }).toEqual({ isOpen: false, calls: ['ready'] })
  await channel.open(session)
  opened[1]?.emit('return', { properties: { messageId: 'two' } })
  expect(calls).toEqual(['ready', 'ready', 'return two'])
})

class FakeChannel extends EventEmitter {
  closed = false

  publish(): boolean {
    return true
  }

  async close(): Promise<void> {
    this.closed = true
  }
}

function message(): PendingPublish {
  const publication = { exchange: 'orders', routingKey: 'new', body: Buffer.alloc(0), properties: {} }
  return new PendingPublish(1, { ...publication, into: 'journal', payer: 'a' }, 'orders')
}
