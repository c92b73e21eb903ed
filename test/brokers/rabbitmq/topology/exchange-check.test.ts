import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Channel, ChannelModel } from 'amqplib'
import { checkExchangeType, exchangeExists, exchangeTypeOf } from '../../../../src/brokers/rabbitmq/channel/exchange.ts'
import { type TestVhost, testVhost } from '../../../support/rabbitmq/broker.ts'
import { plainConnection } from '../connections.ts'

let vhost: TestVhost
let connection: ChannelModel & AsyncDisposable
let theirs: Channel
beforeAll(async () => {
  vhost = await testVhost('exchange-check')
  connection = await plainConnection(vhost.url)
  theirs = await connection.createChannel()
})
afterAll(async () => {
  await connection?.close()
  await vhost?.close()
})

describe('the check of an exchange', () => {
  test.each([
    ['direct', {}],
    ['fanout', { durable: false }],
    ['topic', { autoDelete: true, internal: true }],
    ['headers', { arguments: { 'x-theirs': 1 } }],
    ['topic', {}],
  ] as const)('accepts a %s exchange with %j', async (type, options) => {
    const exchange = `${type} ${JSON.stringify(options)}`
    await theirs.assertExchange(exchange, type, options)
    expect(await checkExchangeType(connection, exchange, type)).toEqual({ alternate: undefined })
    expect(await exchangeTypeOf(connection, exchange)).toBe(type)
    const other = type === 'direct' ? 'topic' : 'direct'
    await expect(checkExchangeType(connection, exchange, other)).rejects.toMatchObject({
      code: 'SOURCE_CONFLICT',
      message: expect.stringContaining(`is a ${type} exchange, not ${other}`),
    })
  })

  test('names the alternate exchange', async () => {
    await theirs.assertExchange('with alternate', 'topic', { alternateExchange: 'amq.fanout' })
    expect(await checkExchangeType(connection, 'with alternate', 'topic')).toEqual({ alternate: 'amq.fanout' })
  })

  test('declares nothing, though another program has just deleted the exchange', async () => {
    await expect(checkExchangeType(connection, 'deleted', 'topic')).rejects.toThrow('exchange "deleted" does not exist')
    await expect(exchangeTypeOf(connection, 'deleted')).rejects.toThrow('exchange "deleted" does not exist')
    expect(await exchangeExists(connection, 'deleted')).toBe(false)
  })
})
