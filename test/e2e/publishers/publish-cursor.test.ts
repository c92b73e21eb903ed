import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { plainConnection } from '../../brokers/rabbitmq/connections.ts'
import { eventually } from '../../support/eventually.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { testVhost } from '../../support/rabbitmq/broker.ts'
import { type Call, callerOf, createRabbitChannel } from '../back-end/graphql-caller.ts'

const publish = `mutation Publish($input: PublishInput!) { publish(input: $input) { messageId cursor } }`
const history = `query History($clientId: ID!, $after: Cursor) {
  history(clientId: $clientId, after: $after) { events { cursor messageId } }
}`

interface Published {
  readonly publish: { readonly messageId: string; readonly cursor: string | null }
}

describe.each(['memory:', 'RabbitMQ'])('publish on %s', (broker) => {
  let gateway: InProcessGateway
  let operator: Call
  let url = ''
  let close = (): Promise<void> => Promise.resolve()

  beforeAll(async () => {
    if (broker === 'RabbitMQ') {
      const vhost = await testVhost('publish-cursor')
      url = vhost.url
      close = () => vhost.close()
      await using rabbit = await plainConnection(url)
      const channel = await rabbit.createChannel()
      await channel.assertExchange('outside', 'fanout')
      await channel.assertQueue('outside')
      await channel.bindQueue('outside', 'outside', '')
    }
    gateway = await openGateway({
      WARREN_PUBLISH_EXCHANGES: 'sources,outside',
      ...(url === '' ? {} : { WARREN_BROKER_URL: url }),
    })
    operator = callerOf(gateway.graphqlUrl, gateway.operatorToken)
    await eventually('the gateway to be up', () => gateway.gateway.up)
    await gateway.clientToken('alice')
  })
  afterAll(async () => {
    await gateway.close()
    await close()
  })

  const publishOne = async (input: object): Promise<Published['publish']> =>
    (await operator<Published>(publish, { input: { data: 1, ...input } })).publish
  const eventsAfter = async (after: string) =>
    (
      await operator<{ history: { events: { cursor: string; messageId: string }[] } }>(history, {
        clientId: 'alice',
        after,
      })
    ).history.events

  test("answers with the position of the message; resuming there skips the publisher's own message", async () => {
    const before = await publishOne({ clientId: 'alice' })
    const [first, second] = [await publishOne({ clientId: 'alice' }), await publishOne({ clientId: 'alice' })]
    expect(await eventsAfter(before.cursor ?? '')).toEqual([first, second])
    expect(await eventsAfter(first.cursor ?? '')).toEqual([second])
    expect(await eventsAfter(second.cursor ?? '')).toEqual([])
  })

  test('answers with the position of each of many messages published at once, in their order', async () => {
    const { cursor } = await publishOne({ clientId: 'alice' })
    const ids = Array.from({ length: 50 }, (_, n) => `many-${n}`)
    const published = await Promise.all(ids.map((messageId) => publishOne({ clientId: 'alice', messageId })))
    const events = await eventsAfter(cursor ?? '')
    expect(new Map(events.map((event) => [event.messageId, event.cursor]))).toEqual(
      new Map(published.map((one) => [one.messageId, one.cursor])),
    )
  })

  if (broker === 'RabbitMQ') {
    test('answers without a position if no source matches', async () => {
      expect(await publishOne({ exchange: 'outside', routingKey: 'k' })).toMatchObject({ cursor: null })
    })

    test('answers with the position to which a buffered source moves the message', async () => {
      const input = { exchange: 'buffered', routingKey: 'b.{clientId}', buffered: true }
      await operator(createRabbitChannel, { input })
      const { cursor, messageId } = await publishOne({ exchange: 'buffered', routingKey: 'b.alice' })
      const before = await publishOne({ clientId: 'alice' })
      expect(cursor).toEqual(expect.any(String))
      expect((await eventsAfter(cursor ?? '')).map((event) => event.messageId)).toEqual([before.messageId])
      expect(messageId).not.toBe(before.messageId)
    })
  }
})
