import { openDriver } from '../../src/distributor/open-driver.ts'
import { testVhost } from '../support/rabbitmq.ts'
import { driverSuite } from './driver-suite.ts'
import { stranger } from './open.ts'

driverSuite('memory:', async () => {
  const url = 'memory://drivers'
  const driver = await openDriver([url], { namespace: 'warren', log: () => {} })
  const gateway = driver.gateway?.({ queue: 'journal' })
  return {
    url,
    publishRaw: async (routingKey, body) => gateway?.publish({ routingKey, body, properties: {} }),
    close: async () => gateway?.close(),
  }
})

driverSuite('RabbitMQ', async () => {
  const vhost = await testVhost('drivers')
  const publisher = await stranger(vhost.url)
  const channel = await publisher.createConfirmChannel()
  return {
    url: vhost.url,
    async publishRaw(routingKey, body) {
      channel.publish('warren.events', routingKey, body)
      await channel.waitForConfirms()
    },
    async close() {
      await publisher.close()
      await vhost.close()
    },
  }
})
