import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { BrokerState } from '../../../src/brokers/driver.ts'
import type { RabbitGateway } from '../../../src/brokers/rabbitmq/gateway-broker.ts'
import { Distributor } from '../../../src/distributor/distributor.ts'
import { openDriver } from '../../../src/distributor/open-driver.ts'
import { eventually } from '../../support/eventually.ts'
import { Inbox } from '../../support/frames/inbox.ts'
import { testKeys } from '../../support/gateway/deployment-keys.ts'
import { privateRabbit, type RabbitNode } from '../../support/rabbitmq/broker.ts'
import { sourceOn } from '../test-source.ts'
import { plainConnection, watchConnection } from './connections.ts'

let node: RabbitNode

beforeAll(async () => {
  node = await privateRabbit('restart')
})
afterAll(() => node?.remove())

async function openGateway(publishTimeoutMs?: number) {
  const states = new Inbox<BrokerState>('states of the gateway')
  const driver = await openDriver([node.url()], { namespace: 'warren', log: () => {} })
  const options = publishTimeoutMs === undefined ? {} : { publishTimeoutMs }
  const gateway = driver.gateway?.({ queue: 'journal', ...options }) as RabbitGateway
  gateway.onState((state) => states.push(state))
  return { gateway, states }
}

/**
 * Retries until the publication succeeds: a restart may take longer than one waits. At the end it
 * rejects with the last refusal, so that a failed test does not retry for ever.
 */
async function publishAtLast(distributor: Distributor, number: number, stop: AbortSignal): Promise<void> {
  for (;;) {
    try {
      return await distributor.publish(number, 'numbers')
    } catch (error) {
      if (stop.aborted) throw error
    }
  }
}

describe('when RabbitMQ', () => {
  test('is restarted, a gateway declares its sources again, a non-durable exchange included, before it reports up', async () => {
    await using before = await plainConnection(node.url())
    const channel = await before.createChannel()
    await channel.assertQueue('journal')
    for (const exchange of ['passing', 'forgotten']) await channel.assertExchange(exchange, 'topic', { durable: false })
    const { gateway, states } = await openGateway()
    await states.nextMatching(({ up }) => up)
    expect(await gateway.bind(sourceOn('passing', { ownsExchange: true }))).toEqual({ declared: false })
    const resyncs = new Inbox<void>('resyncs')
    const control = gateway.openControlBus(testKeys())
    control.listen(
      () => {},
      () => resyncs.push(),
    )
    await resyncs.next()

    // Subscribers and a publisher that continue during the restart.
    await using distributor = new Distributor(node.url())
    const grouped = new Inbox<unknown>('messages of the group')
    const ungrouped = new Inbox<unknown>('messages without a group')
    await distributor.subscribe((data) => grouped.push(data), 'numbers', { subscriberGroup: 'g' })
    await distributor.subscribe((data) => ungrouped.push(data), 'numbers')
    const stop = new AbortController()
    let published = 0
    const publishing = (async () => {
      while (!stop.signal.aborted) {
        published += 1
        await publishAtLast(distributor, published, stop.signal)
      }
    })()

    try {
      // test/e2e/broker-away.test.ts starts its Erlang VM again too.
      await node.stopApp()
      // An interruption that is shorter than the patience of its part is not reported.
      expect(await states.nextMatching(({ up }) => !up)).toMatchObject({ reason: expect.stringContaining('RabbitMQ') })
      await node.startApp()
      await states.nextMatching(({ up }) => up)
      await resyncs.next()
      await gateway.publish({ exchange: 'passing', routingKey: 'k', body: Buffer.from('1'), properties: {} })
      await using after = await plainConnection(node.url())
      const missing = (await after.createChannel()).on('error', () => {})
      await expect(missing.checkExchange('forgotten')).rejects.toMatchObject({ code: 404 })
      const marker = published
      await ungrouped.nextMatching((data) => (data as number) > marker)
    } finally {
      stop.abort()
    }
    await publishing
    await grouped.nextMatching((data) => data === published)
    expect(new Set([...grouped.waiting, published]).size).toBe(published)
    await control.close()
    await gateway.close()
  })

  test('has no memory left, publications are refused with that reason, and accepted again afterwards', async () => {
    const { gateway, states } = await openGateway(500)
    await states.nextMatching(({ up }) => up)
    const publish = () =>
      gateway.publish({ exchange: '', routingKey: 'journal', body: Buffer.from('1'), properties: {} })
    await publish()
    await node.ctl('set_vm_memory_high_watermark', '0.00001')
    // RabbitMQ blocks a connection that publishes after the alarm has come to it.
    const refused = await eventually('a refusal', () =>
      publish().then(
        () => undefined,
        (reason: unknown) => ({ reason }),
      ),
    )
    expect(refused.reason).toMatchObject({
      code: 'BROKER_UNAVAILABLE',
      message: expect.stringContaining('low on memory'),
    })
    await node.ctl('set_vm_memory_high_watermark', '0.4')
    await eventually('a confirmation', () => publish().then(() => true))
    await gateway.close()
  })

  test('freezes, close still ends in time', async () => {
    const { reconnecting, reports } = watchConnection([node.url()])
    await reports.next()
    const { gateway, states } = await openGateway()
    await states.nextMatching(({ up }) => up)
    node.freeze()
    const connecting = watchConnection([node.url()])
    const started = performance.now()
    await Promise.all([reconnecting.close(), connecting.reconnecting.close(), gateway.close()])
    // An attempt to connect alone may take 10 s.
    expect(performance.now() - started).toBeLessThan(9_000)
    node.thaw()
  })
})
