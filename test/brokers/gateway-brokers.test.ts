import amqp from 'amqplib'
import type { GatewayBroker } from '../../src/brokers/driver.ts'
import { EmbeddedGateway } from '../../src/brokers/embedded/gateway-broker.ts'
import { fromAmqp } from '../../src/brokers/rabbitmq/message/properties.ts'
import { type Message, withOwnBody } from '../../src/core/model/message.ts'
import { openDriver } from '../../src/distributor/open-driver.ts'
import { Inbox } from '../support/frames/inbox.ts'
import { testVhost } from '../support/rabbitmq/broker.ts'
import { gatewaySuite } from './gateway-suite.ts'

async function gatewayOn(url: string): Promise<GatewayBroker> {
  const driver = await openDriver([url], { namespace: 'warren', log: () => {} })
  const gateway = driver.gateway?.({ queue: 'warren.journal', maxMessageBytes: 2000 })
  if (!gateway) throw new Error(`the driver for ${url} cannot serve a gateway`)
  return gateway
}

gatewaySuite('memory:', async () => {
  const routed = new Inbox<Message>('what is routed')
  const broker = await gatewayOn('memory://gateways')
  const replica = await gatewayOn('memory://gateways')
  if (broker instanceof EmbeddedGateway)
    broker.onRouted((message) => {
      // As the journal, which copies the body into its memory.
      routed.push(withOwnBody(message))
      return undefined
    })
  const close = async () => void (await Promise.all([broker.close(), replica.close()]))
  return { broker, replica, routed, close }
})

gatewaySuite('RabbitMQ', async () => {
  const routed = new Inbox<Message>('what is routed')
  const vhost = await testVhost('gateways')
  // In place of the journal: a stream is consumed in the same way, but with offsets.
  const journal = await amqp.connect(vhost.url)
  const channel = await journal.createChannel()
  await channel.assertQueue('warren.journal')
  await channel.consume('warren.journal', (message) => message && routed.push(fromAmqp(message)), { noAck: true })
  const broker = await gatewayOn(vhost.url)
  const replica = await gatewayOn(vhost.url)
  const close = async () => {
    await Promise.all([broker.close(), replica.close(), journal.close()])
    await vhost.close()
  }
  return { broker, replica, routed, close }
})
