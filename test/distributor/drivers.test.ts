import { expect, test } from '@jest/globals'
import { Distributor } from '../../src/distributor/distributor.ts'
import { openDriver } from '../../src/distributor/open-driver.ts'
import { driverSuite } from '../brokers/driver-suite.ts'
import { plainConnection } from '../brokers/rabbitmq/connections.ts'
import { Inbox } from '../support/frames/inbox.ts'
import { testVhost } from '../support/rabbitmq/broker.ts'

driverSuite('memory:', async () => {
  const url = 'memory://drivers'
  const driver = await openDriver([url], { namespace: 'warren', log: () => {} })
  const gateway = driver.gateway?.({ queue: 'journal' })
  return {
    url,
    publishRaw: async (routingKey, body) => void (await gateway?.publish({ routingKey, body, properties: {} })),
    close: async () => gateway?.close(),
  }
})

driverSuite('RabbitMQ', async () => {
  const vhost = await testVhost('drivers')
  const publisher = await plainConnection(vhost.url)
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

test('dead-lettered messages on RabbitMQ are in one queue, with their origin', async () => {
  await using vhost = await testVhost('dead')
  await using rabbitmq = await plainConnection(vhost.url)
  const channel = await rabbitmq.createConfirmChannel()
  {
    await using distributor = new Distributor(vhost.url)
    const poison = new Inbox<string>('poison')
    const onPoison = ({ routingKey }: { routingKey: string }) => poison.push(routingKey)
    await distributor.subscribe(() => {}, 'one', { subscriberGroup: 'g', onPoison })
    await distributor.subscribe(() => {}, 'two', { onPoison })
    for (const topic of ['one', 'two']) channel.publish('warren.events', topic, Buffer.from('no JSON'))
    await Promise.all([poison.next(), poison.next()])
  }
  const dead = new Inbox<string>('dead letters')
  await channel.consume('warren.dead', (letter) => {
    const [death] = letter?.properties.headers?.['x-death'] ?? []
    dead.push(`${letter?.content.toString()} on ${letter?.fields.routingKey} from ${death?.queue.slice(0, 18)}`)
  })
  expect([await dead.next(), await dead.next()].toSorted((a, b) => a.localeCompare(b))).toEqual([
    'no JSON on one from warren.group.g:one',
    'no JSON on two from warren.subscriber.',
  ])
})
