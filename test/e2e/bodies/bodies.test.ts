import { describe, expect, test } from '@jest/globals'
import type { MessageProperties } from '../../../src/core/model/message.ts'
import { openGateway } from '../../support/gateway/gateway-in-process.ts'
import { freePort } from '../../support/network/ports.ts'
import { testVhost } from '../../support/rabbitmq/broker.ts'
import { callerOf, publish, Refused } from '../back-end/graphql-caller.ts'
import {
  aliceAt,
  binaryHeadersThroughRabbit,
  bodiesThroughRabbit,
  countedPoison,
  deliveredBodies,
  expected,
  json,
  jsonOf,
  long,
  neighbour,
  nested,
  order,
  quarantinedBy,
  unicode,
} from './bodies-suite.ts'

describe('a body', () => {
  test('through RabbitMQ: deliverable bodies arrive in order, and the others are unchanged in the quarantine', async () => {
    await using vhost = await testVhost('bodies')
    await bodiesThroughRabbit(vhost.url)
  })

  test('through RabbitMQ: bytes in a header are base64', async () => {
    await using vhost = await testVhost('headers')
    await binaryHeadersThroughRabbit(vhost.url)
  })

  test('through the embedded broker: the same', async () => {
    const opsPort = await freePort()
    await using gateway = await openGateway({ WARREN_OPS_PORT: String(opsPort) })
    await using alice = await aliceAt(gateway)
    const send = (body: Buffer, properties: MessageProperties) =>
      gateway.gateway.publish({ routingKey: 'client.alice', body, properties })
    for (const [index, { body, contentType, contentEncoding }] of order.entries()) {
      await send(body, {
        ...(contentType === undefined ? {} : { contentType }),
        ...(contentEncoding === undefined ? {} : { contentEncoding }),
      })
      await send(jsonOf(neighbour(index)), { contentType: json })
    }
    expect(deliveredBodies(await alice.take(expected.length))).toEqual(expected)
    expect(await quarantinedBy(opsPort)).toEqual(countedPoison)
  })

  test('published by the gateway itself is delivered, or refused if it is undeliverable', async () => {
    await using gateway = await openGateway()
    await using alice = await aliceAt(gateway)
    const call = callerOf(gateway.graphqlUrl, gateway.publisherToken)
    const send = (data: unknown) => call(publish, { input: { clientId: 'alice', data } })
    const values = [0, '', false, [null], {}, unicode, { long }, JSON.parse(nested(999)) as unknown]
    for (const data of values) await send(data)
    for (const levels of [1_001, 2_000]) {
      const error = await send(JSON.parse(nested(levels))).catch((refusal: unknown) => refusal)
      if (!(error instanceof Refused)) throw new Error(`${levels} levels were accepted`)
      expect(error.code).toBe('BAD_USER_INPUT')
      expect(error.message).toBe('data: expected JSON that nests at most 1000 levels')
    }
    await send('the end')
    const received = await alice.take(values.length + 1)
    expect(received.map(({ data }) => data)).toEqual([...values, 'the end'])
    expect(new Set(received.map(({ contentType }) => contentType))).toEqual(new Set([json]))
  })
})
