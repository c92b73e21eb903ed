import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import amqp, { type ChannelModel, type ConfirmChannel } from 'amqplib'
import { eventually } from '../../support/eventually.ts'
import { openReachable, type ReachableGateway } from '../../support/gateway/gateway-in-process.ts'
import { type GatewayProcess, startGateway, testToken } from '../../support/gateway/gateway-process.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { repetitions } from '../../support/repetitions.ts'
import { startBackEnd } from '../back-end/back-end.ts'
import {
  type Call,
  callerOf,
  createRabbitChannel,
  type DeliveredEvent,
  deleteRabbitChannel,
  listen,
  publish,
} from '../back-end/graphql-caller.ts'

const sources = repetitions(20, 50)

const deployments = [
  { how: 'with a data directory each', throughEachGateway: 60, byEachBackEnd: 140 },
  { how: 'that share a data directory', throughEachGateway: 250, byEachBackEnd: 750 },
]

describe.each(deployments.slice(0, repetitions(1, 2)))(
  'two gateways $how',
  ({ how, throughEachGateway, byEachBackEnd }) => {
    const published = 2 * (throughEachGateway + byEachBackEnd)
    let vhost: TestVhost
    let a: ReachableGateway
    let b: GatewayProcess
    let token: string
    let operatorToken: string
    let onA: Call
    let onB: Call
    let connection: ChannelModel
    let channel: ConfirmChannel
    const made: string[] = []
    let received: DeliveredEvent[] = []

    const env = () => ({
      WARREN_BROKER_URL: vhost.url,
      ...(a && how === 'that share a data directory' ? { WARREN_DATA_DIR: a.dataDir } : {}),
    })
    const listenOn = (gateway: Pick<GatewayProcess, 'graphqlSocketUrl'>, after?: string) =>
      listen(gateway.graphqlSocketUrl, token, { clientId: 'dora', ...(after === undefined ? {} : { after }) })

    beforeAll(async () => {
      vhost = await testVhost('two')
      token = await testToken({ sub: 'dora' })
      operatorToken = await testToken({ scope: 'operator' })
      a = await openReachable(env())
      b = await startGateway({ env: env() })
      onA = callerOf(a.graphqlUrl, operatorToken)
      onB = callerOf(b.graphqlUrl, operatorToken)
      connection = await amqp.connect(vhost.url, { noDelay: true })
      channel = await connection.createConfirmChannel()
    })

    afterAll(async () => {
      await connection.close()
      await b[Symbol.asyncDispose]()
      await a[Symbol.asyncDispose]()
      await vhost.close()
    })

    const publishTo = async (exchange: string, key: string, data: unknown) => {
      channel.publish(exchange, key, Buffer.from(JSON.stringify(data)), { contentType: 'application/json' })
      await channel.waitForConfirms()
    }

    test('both serve a source as soon as one of them has created it', async () => {
      await using atA = await listenOn(a)
      await using atB = await listenOn(b)
      await Promise.all([subscribed(onA, 1), subscribed(onB, 1)])
      for (let n = 0; n < sources; n += 1) {
        const input = { exchange: `orders.${n}`, exchangeType: 'FANOUT', clientId: { fixed: 'dora' } }
        const { createRabbitChannel: source } = await onA<{ createRabbitChannel: { id: string } }>(
          createRabbitChannel,
          {
            input,
          },
        )
        made.push(source.id)
        await publishTo(input.exchange, '', n)
      }
      expect(dataOf(await atB.take(sources))).toEqual(numbers(sources))
      expect(dataOf(await atA.take(sources))).toEqual(numbers(sources))
      const list = '{ rabbitChannels { id } }'
      expect(await onB(list)).toEqual(await onA(list))
    })

    test('deliver everything to a client of either, in the same order, whichever one publishes', async () => {
      await using atA = await listenOn(a)
      await using atB = await listenOn(b)
      await using python = await startBackEnd(vhost.url)
      await Promise.all([subscribed(onA, 1), subscribed(onB, 1)])
      const key = 'client.dora'
      const each = numbers(byEachBackEnd)
      const through = async (call: Call, from: string) => {
        // A few at a time, as clients do.
        const left = numbers(throughEachGateway)
        const one = async () => {
          for (let n = left.shift(); n !== undefined; n = left.shift()) {
            await call(publish, { input: { clientId: 'dora', data: { from, n } } })
          }
        }
        await Promise.all(Array.from({ length: 8 }, one))
      }
      const withAmqplib = async () => {
        for (const n of each) {
          channel.publish('warren.events', key, Buffer.from(JSON.stringify({ from: 'amqplib', n })))
          // Not all in one write, so that the publishers interleave.
          if (n % 5 === 0) await channel.waitForConfirms()
        }
        await channel.waitForConfirms()
      }
      await Promise.all([
        through(onA, 'A'),
        through(onB, 'B'),
        withAmqplib(),
        Promise.all(each.map((n) => python.publish('warren.events', key, { from: 'pika', n }))),
      ])
      received = await atA.take(published)
      const atOther = await atB.take(published)
      expect(atOther.map(identity)).toEqual(received.map(identity))
      const of = (publisher: string) =>
        received
          .map(({ data }) => data as { from: string; n: number })
          .flatMap(({ from, n }) => (from === publisher ? [n] : []))
      for (const publisher of ['amqplib', 'pika']) expect(of(publisher)).toEqual(each)
      for (const publisher of ['A', 'B']) {
        expect(of(publisher).toSorted((one, other) => one - other)).toEqual(numbers(throughEachGateway))
      }
      // Check that they did interleave, because otherwise the order proves little.
      const turns = received.filter(({ data }, index) => {
        const before = received[index - 1]?.data as { from: string } | undefined
        return before?.from !== (data as { from: string }).from
      })
      expect(turns.length).toBeGreaterThan(published / 20)
      expect([atA.operation.waiting, atB.operation.waiting]).toEqual([[], []])
    })

    test('resume at each other’s cursors', async () => {
      for (const [gateway, place] of [
        [b, Math.floor(published / 3)],
        [a, Math.floor(published / 2)],
        [b, published - 1],
      ] as const) {
        await using resumed = await listenOn(gateway, received[place]?.cursor)
        const rest = received.slice(place + 1)
        expect((await resumed.take(rest.length)).map(identity)).toEqual(rest.map(identity))
        await publishTo('warren.events', 'client.dora', 'and on')
        const [next] = await resumed.take(1)
        expect(next).toMatchObject({ kind: 'MESSAGE', data: 'and on' })
        received.push(next as DeliveredEvent)
      }
    })

    test('both stop serving a source that one of them has deleted', async () => {
      await using atA = await listenOn(a)
      await using atB = await listenOn(b)
      await Promise.all([subscribed(onA, 1), subscribed(onB, 1)])
      expect(await onA(deleteRabbitChannel, { id: made[0] })).toEqual({ deleteRabbitChannel: true })
      await publishTo('orders.0', '', 'to no source')
      await publishTo('orders.1', '', 'still served')
      for (const listener of [atA, atB]) {
        // A replica that is behind may still read what was published before the subscription.
        const data: unknown[] = []
        while (data.at(-1) !== 'still served') data.push((await listener.next()).data)
        expect(data).not.toContain('to no source')
      }
      const ids = await sourcesOf(onA)
      expect(ids).not.toContain(made[0])
      expect(await sourcesOf(onB)).toEqual(ids)
      expect(await onB(deleteRabbitChannel, { id: made[0] })).toEqual({ deleteRabbitChannel: false })
    })

    test('serve the same sources after a restart, and a client that reconnects has missed nothing', async () => {
      const before = await sourcesOf(onB)
      let last: DeliveredEvent
      {
        await using atB = await listenOn(b)
        await subscribed(onB, 1)
        await publishTo('orders.2', '', 'before')
        last = await atB.next()
        expect(await b.stop()).toBe(0)
        expect(await atB.closed).toMatchObject({ code: 1012 })
      }
      await publishTo('orders.2', '', 'meanwhile')
      await using again = await b.again()
      expect(await sourcesOf(onB)).toEqual(before)
      await using back = await listenOn(again, last.cursor)
      expect((await back.next()).data).toBe('meanwhile')
      await publishTo('orders.3', '', 'after')
      expect((await back.next()).data).toBe('after')
      // A deleted source stays deleted.
      await publishTo('orders.0', '', 'to no source')
      await publishTo('orders.4', '', 'and on')
      expect((await back.next()).data).toBe('and on')
      for (const call of [onA, onB]) {
        expect(await sourcesOf(call)).toEqual(before)
        expect(await call(deleteRabbitChannel, { id: made[0] })).toEqual({ deleteRabbitChannel: false })
      }
    })

    test('share their sources with a gateway that starts later', async () => {
      await using c = await openReachable(env())
      const onC = callerOf(c.graphqlUrl, operatorToken)
      const known = await sourcesOf(onA)
      expect(known).toHaveLength(sources)
      await eventually('the third to know all sources', async () => (await sourcesOf(onC)).length >= sources)
      expect((await sourcesOf(onC)).toSorted()).toEqual(known.toSorted())
      await using atC = await listenOn(c)
      await subscribed(onC, 1)
      await publishTo('orders.5', '', 'to the third')
      expect((await atC.next()).data).toBe('to the third')
    })
  },
)

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n)
}

function identity({ cursor, data, messageId }: DeliveredEvent): unknown {
  return { cursor, data, messageId }
}

function dataOf(events: readonly DeliveredEvent[]): unknown[] {
  return events.map(({ data }) => data)
}

async function sourcesOf(call: Call): Promise<string[]> {
  const { rabbitChannels } = await call<{ rabbitChannels: { id: string }[] }>('{ rabbitChannels { id } }')
  return rabbitChannels.map(({ id }) => id)
}

/**
 * Resolves when `count` subscriptions of a gateway are live, because the protocol does not
 * acknowledge them.
 */
async function subscribed(call: Call, count: number): Promise<void> {
  await eventually(`${count} live subscriptions`, async () => {
    const { gateway } = await call<{ gateway: { subscriptions: number } }>('{ gateway { subscriptions } }')
    return gateway.subscriptions === count
  })
}
