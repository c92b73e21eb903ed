import { EventEmitter } from 'node:events'
import { beforeEach, expect, test } from '@jest/globals'
import type { ChannelModel } from 'amqplib'
import { CurrentSession } from '../../../../src/brokers/rabbitmq/connection/connection-session.ts'
import { Nodes, Unresponsive } from '../../../../src/brokers/rabbitmq/connection/node-list.ts'
import { DeliveryReader } from '../../../../src/brokers/rabbitmq/message/delivery-reader.ts'

let nodes: Nodes
let blocked: (string | undefined)[]
let cuts: AbortController[]

beforeEach(() => {
  nodes = new Nodes(['amqp://one', 'amqp://two'])
  ;[blocked, cuts] = [[], []]
})

test('a session counts for its node until it ends, and shows how the node described itself', () => {
  const { session } = sessionOn(connectionTo({ product: 'RabbitMQ', version: '4.1.0' }))
  expect(nodes.connected).toMatchObject([{ address: 'one:5672', connections: 1, version: '4.1.0' }])
  session.fail(new Error('first'))
  expect(nodes.connected).toEqual([])
})

test('the first reason ends a session, which then opens no sibling', async () => {
  const { session, connection } = sessionOn()
  connection.emit('error', new Error('first'))
  connection.emit('close')
  session.fail(new Error('third'))
  await expect(session.ended).rejects.toThrow('first')
  expect(session.signal.reason).toEqual(new Error('first'))
  await expect(session.openSibling('replay')).rejects.toThrow('first')
})

test('a close without a reason is an unexpected close', async () => {
  const { session, connection } = sessionOn()
  connection.emit('close')
  await expect(session.ended).rejects.toThrow('Unexpected close')
})

test('a session that fails its node ends the others on it', async () => {
  const [{ session: one }, { session: other }] = [sessionOn(), sessionOn()]
  one.failNode('it confirms nothing')
  await expect(other.ended).rejects.toEqual(new Unresponsive('it confirms nothing'))
})

test('no session may move while RabbitMQ blocks one, or a sibling', async () => {
  const [{ session, connection }, { session: other }] = [sessionOn(), sessionOn()]
  expect(other.mayMove).toBe(true)
  connection.emit('blocked', 'low on memory')
  expect(other.mayMove).toBe(false)
  connection.emit('unblocked')
  expect(blocked).toEqual(['RabbitMQ does not accept publishes for now: it is low on memory', undefined])
  const sibling = await session.openSibling('replay')
  sibling.connection.emit('blocked', 'low on memory')
  expect(other.mayMove).toBe(false)
  await sibling.close()
  expect(other.mayMove).toBe(true)
})

test('an end of the session cuts its siblings, but not those that are closed', async () => {
  const { session } = sessionOn()
  const closed = await session.openSibling('replay')
  await closed.close()
  await session.openSibling('replay')
  expect(cuts.map(({ signal }) => signal.aborted)).toEqual([true, false])
  session.fail(new Error('lost'))
  expect(cuts.map(({ signal }) => signal.aborted)).toEqual([true, true])
})

type FakeConnection = ChannelModel & { emit(event: string, argument?: unknown): boolean }

function connectionTo(serverProperties: object = {}): FakeConnection {
  const connection = Object.assign(new EventEmitter(), {
    connection: { serverProperties },
    close: async () => {},
  })
  return connection as unknown as FakeConnection
}

function sessionOn(connection = connectionTo()): { session: CurrentSession; connection: FakeConnection } {
  const session = new CurrentSession(nodes.pick(new Map()), nodes, connection, new DeliveryReader(true), {
    onBlocked: (reason) => blocked.push(reason),
    open: async (_purpose, cut) => {
      cuts.push(cut)
      return connectionTo()
    },
    closeMs: 1_000,
  })
  return { session, connection }
}
