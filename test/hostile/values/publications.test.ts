import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { GatewayPublication } from '../../../src/brokers/driver.ts'
import { Publisher } from '../../../src/brokers/rabbitmq/publish/publisher.ts'
import { connectionsTo, plainConnection } from '../../brokers/rabbitmq/connections.ts'
import { rabbit, type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'

let vhost: TestVhost
const open: Publisher[] = []
/** How often a publisher was notified of a lost connection. */
let losses = 0

function publisher(url = vhost.url): Publisher {
  losses = 0
  const watch = { onDown: () => void (losses += 1) }
  const made = new Publisher(connectionsTo(url), watch, { defaultExchange: 'events' })
  open.push(made)
  return made
}

function to(change: Partial<GatewayPublication['properties']> = {}): GatewayPublication {
  return { routingKey: 'k', body: Buffer.from('{}'), properties: change }
}

const decimal = { '!': 'decimal', value: { places: 1, digits: 15 } }

beforeAll(async () => {
  vhost = await testVhost('publications')
  await using connection = await plainConnection(vhost.url)
  const channel = await connection.createChannel()
  await channel.assertExchange('events', 'topic')
  await channel.assertQueue('stream', { arguments: { 'x-queue-type': 'stream' } })
  await channel.bindQueue('stream', 'events', '#')
})
afterEach(() => Promise.all(open.splice(0).map((made) => made.close())))
afterAll(() => vhost?.close())

describe('a publication at which RabbitMQ would close the connection', () => {
  const long = 'x'.repeat(256)
  test.each([
    ['an infinity', { headers: { h: Number.POSITIVE_INFINITY } }, 'headers.h'],
    ['NaN', { headers: { list: [{ h: Number.NaN }] } }, 'headers.list.h'],
    ['an infinity with a type', { headers: { h: { '!': 'double', value: Number.NEGATIVE_INFINITY } } }, 'headers.h'],
    ['a name of 256 bytes', { headers: { [long]: 1 } }, 'headers'],
    ['a property of 256 bytes', { correlationId: long }, 'correlationId'],
    ['an expiration that is not a number', { expiration: 'soon' }, 'expiration'],
    ['an expiration beyond 32 bits', { expiration: '4294967296' }, 'expiration'],
    ['a priority beyond a byte', { priority: 256 }, 'priority'],
    ['a time before 1970', { timestamp: -1 }, 'timestamp'],
  ])('is refused at once if the rule is known: %s', async (_what, properties, field) => {
    const sent = publisher()
    const innocent = sent.publish(to())
    await expect(sent.publish(to(properties))).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field })
    await innocent
    expect(losses).toBe(0)
  })

  test('is refused if its properties do not fit into a frame, and one that just fits is published', async () => {
    const sent = publisher(`${vhost.url}?frameMax=8192`)
    await sent.publish(to())
    const sized = (bytes: number) => to({ messageId: 'm', headers: { h: 'x'.repeat(bytes) } })
    const refusal = { code: 'BAD_USER_INPUT', field: 'headers', message: expect.stringContaining('frame_max') }
    await expect(sent.publish(sized(20_480))).rejects.toMatchObject(refusal)
    const fits = 8192 - 22 - 1 - 2 - 4 - 2 - 5
    await expect(sent.publish(sized(fits + 1))).rejects.toMatchObject(refusal)
    await sent.publish(sized(fits))
    expect(losses).toBe(0)
  })

  test('is refused for its size even if it was waiting for the connection', async () => {
    const sent = publisher(`${vhost.url}?frameMax=8192`)
    const refused = sent.publish(to({ headers: { h: 'x'.repeat(20_480) } }))
    const innocent = sent.publish(to())
    await expect(refused).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field: 'headers' })
    await innocent
    expect(losses).toBe(0)
  })

  test('is found among the others if no rule is known, and dropped, and the others are published', async () => {
    const sent = publisher()
    await sent.publish(to())
    const before = Array.from({ length: 20 }, () => sent.publish(to()))
    // A stream of RabbitMQ 3.10 cannot store it: 541.
    const guilty = sent.publish(to({ headers: { price: decimal } }))
    const after = Array.from({ length: 20 }, () => sent.publish(to()))
    const refusal = { code: 'BAD_USER_INPUT', field: 'properties', message: expect.stringContaining('541') }
    await expect(guilty).rejects.toMatchObject(refusal)
    await Promise.all([...before, ...after])
    expect(losses).toBeGreaterThan(1)
    const settled = losses
    await sent.publish(to())
    expect(losses).toBe(settled)
  })

  test('is not blamed if the connection is merely lost, however often', async () => {
    const sent = publisher()
    await sent.publish(to())
    for (let round = 0; round < 4; round += 1) {
      const publications = Array.from({ length: 50 }, () => sent.publish(to()))
      await rabbit.ctl('close_all_connections', '--vhost', vhost.name, 'a test')
      await Promise.all(publications)
    }
  })
})
