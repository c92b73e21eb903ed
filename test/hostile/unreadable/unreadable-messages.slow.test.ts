import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import amqp, { type ChannelModel, type ConfirmChannel } from 'amqplib'
import { callerOf, createRabbitChannel, type DeliveredEvent, listen } from '../../e2e/back-end/graphql-caller.ts'
import { eventually } from '../../support/eventually.ts'
import { connectFrames } from '../../support/frames/frames.ts'
import {
  brokenLines,
  type GatewayProcess,
  runWarren,
  startGateway,
  testToken,
} from '../../support/gateway/gateway-process.ts'
import { type Amqp1Publisher, amqp1Publisher } from '../../support/rabbitmq/amqp-1-publisher.ts'
import { privateRabbit, type RabbitNode } from '../../support/rabbitmq/broker.ts'
import { rabbitMq4 } from '../../support/rabbitmq/rabbitmq-4.ts'
import { unreadable, unreadableMessages } from './unreadable-publisher.ts'

const four = await rabbitMq4()
const describeOnFour = four.root === undefined ? describe.skip : describe

const kinds = Object.values(unreadableMessages)
const historyQuery = `query ($after: Cursor, $first: Int!) {
  history(clientId: "alice", after: $after, first: $first) { events { cursor data } cursor hasMore gap { reason } }
}`

interface Page {
  readonly history: {
    readonly events: readonly { readonly cursor: string; readonly data: unknown }[]
    readonly cursor: string
    readonly hasMore: boolean
    readonly gap: { readonly reason: string } | null
  }
}

describeOnFour('messages that end every consumer of AMQP 0-9-1', () => {
  let rabbit: RabbitNode
  let gateway: GatewayProcess
  let connection: ChannelModel
  let channel: ConfirmChannel
  let publisher: Amqp1Publisher
  let number = 0
  /** Everything that the first subscriber of alice received. */
  const received: DeliveredEvent[] = []

  beforeAll(async () => {
    rabbit = await privateRabbit('unreadable', four.root)
    gateway = await startGateway({ env: { WARREN_BROKER_URL: rabbit.url(), WARREN_LEGACY_ACCESS: 'open' } })
    connection = await amqp.connect(rabbit.url())
    channel = await connection.createConfirmChannel()
    publisher = await amqp1Publisher(rabbit.port, 'warren.events', 'client.alice')
  })

  afterAll(async () => {
    await publisher?.[Symbol.asyncDispose]()
    await connection?.close()
    await gateway?.[Symbol.asyncDispose]()
    await rabbit?.remove()
  })

  async function good(): Promise<number> {
    number += 1
    channel.publish('warren.events', 'client.alice', Buffer.from(String(number)), { contentType: 'application/json' })
    await channel.waitForConfirms()
    return number
  }

  async function listenAs(clientId: string, after?: string) {
    const token = await testToken({ sub: clientId })
    return listen(gateway.graphqlSocketUrl, token, { clientId, ...(after === undefined ? {} : { after }) })
  }

  const shown = (events: readonly DeliveredEvent[]): unknown[] =>
    events.map(({ kind, data, gap }) => (kind === 'GAP' ? gap?.reason : data))

  async function counted(): Promise<number> {
    return Number(/^warren_unreadable_messages_total (\d+)$/m.exec(await gateway.metrics())?.[1])
  }

  test('are skipped one by one, each with a gap for every subscription, and counted', async () => {
    await using alice = await listenAs('alice')
    await using bob = await listenAs('bob')
    await eventually('the subscription to be live', async () => {
      await good()
      return alice.operation.waiting.length > 0
    })
    while (alice.operation.waiting.length > 0) received.push(await alice.next())
    while (received.at(-1)?.data !== number) received.push(await alice.next())
    const expected: unknown[] = []
    const from = received.length
    for (const message of kinds) {
      await publisher.publish(message)
      expected.push('UNREADABLE', await good())
      while (received.length < from + expected.length) received.push(await alice.next())
    }
    expect(shown(received.slice(from))).toEqual(expected)
    expect(shown(await bob.take(kinds.length))).toEqual(kinds.map(() => 'UNREADABLE'))
    expect(bob.operation.waiting).toEqual([])
    await gateway.ready()
    expect(await counted()).toBe(kinds.length)
    expect(brokenLines(gateway)).toEqual([])
    expect(gateway.output()).toMatch(/skipped it/)
  })

  test('are one gap if several are adjacent, and nothing around them is lost', async () => {
    await using alice = await listenAs('alice', received.at(-1)?.cursor)
    await Promise.all(kinds.map((message) => publisher.publish(message)))
    const last = await good()
    const events: DeliveredEvent[] = []
    while (events.at(-1)?.data !== last) events.push(await alice.next())
    // They may make two gaps, if the first ones end the tail before the others are stored.
    expect(new Set(shown(events.slice(0, -1)))).toEqual(new Set(['UNREADABLE']))
    expect(await counted()).toBe(2 * kinds.length)
    received.push(...events)
  })

  async function replays(): Promise<void> {
    const distinct = shown(received)
    for (const place of [0, 3, 4, 9]) {
      await using again = await listenAs('alice', received[place]?.cursor)
      const events: DeliveredEvent[] = []
      while (events.at(-1)?.data !== number) events.push(await again.next())
      expect(collapsed(shown(events))).toEqual(collapsed(distinct.slice(place + 1)))
      expect(again.operation.waiting).toEqual([])
    }
  }

  test('are reported once to a client that resumes before them, and not to one that resumes after them', replays)

  test('do not stop history: each page reports at most one gap, and all pages together report everything', async () => {
    const call = callerOf(gateway.graphqlUrl, await testToken({ sub: 'alice' }))
    const pages: unknown[] = []
    let after = received[0]?.cursor
    for (let more = true; more; ) {
      const { history }: Page = await call<Page>(historyQuery, { after, first: 4 })
      const { events, gap, hasMore, cursor } = history
      if (gap) pages.push(gap.reason)
      pages.push(...events.map(({ data }) => data))
      after = cursor
      more = hasMore
    }
    const shownEvents = collapsed(shown(received.slice(1)))
    expect(pages.filter((one) => typeof one === 'number')).toEqual(shownEvents.filter((one) => typeof one === 'number'))
    expect(pages.filter((one) => one === 'UNREADABLE').length).toBe(
      shownEvents.filter((one) => one === 'UNREADABLE').length,
    )
  })

  test('do not prevent a gateway from starting, even as the last message of the journal', async () => {
    await gateway.kill()
    await publisher.publish(unreadable)
    gateway = await gateway.again()
    received.push(...(await untilLast(received.at(-1)?.cursor)))
    expect(collapsed(shown(received.slice(-2)))).toEqual(['UNREADABLE', number])
    await replays()
  })

  async function untilLast(after: string | undefined): Promise<DeliveredEvent[]> {
    await using alice = await listenAs('alice', after)
    const last = await good()
    const events: DeliveredEvent[] = []
    while (events.at(-1)?.data !== last) events.push(await alice.next())
    return events
  }

  test('are skipped in the broker by a gateway without the past in memory', async () => {
    await gateway.kill()
    gateway = await gateway.again({ env: { WARREN_HOT_WINDOW: '1s,1MiB' } })
    await replays()
  })

  test('are named by doctor', async () => {
    const { stdout } = await runWarren(['doctor', '--json'], gateway.env)
    const { findings } = JSON.parse(stdout) as { findings: { check: string; status: string; text: string }[] }
    const found = findings.filter(({ check }) => check === 'unreadable')
    expect(found).toMatchObject([{ status: 'warn', text: expect.stringMatching(/at offset \d+, \d+, \d+/) }])
  })

  test('stop the room for a moment, and it loses nothing else', async () => {
    await using processor = await amqp1Publisher(rabbit.port, 'towsmanager', '')
    await using member = await connectFrames(`ws://127.0.0.1:${gateway.port}/ws?envelope=json`)
    const nextFrame = async (): Promise<unknown> => JSON.parse(await member.next()) as unknown
    expect(await nextFrame()).toEqual({ kind: 'joined' })
    const sendText = async (text: string): Promise<void> => {
      channel.publish('towsmanager', '', Buffer.from(text))
      await channel.waitForConfirms()
    }
    const texts: string[] = []
    for (const [name, message] of Object.entries(unreadableMessages)) {
      await processor.publish(message)
      await sendText(`behind ${name}`)
      texts.push(`behind ${name}`)
    }
    for (const text of texts) expect(await nextFrame()).toEqual({ kind: 'processed', text })
  })

  test('stop a buffered source for a moment, and it loses nothing else', async () => {
    const operator = callerOf(gateway.graphqlUrl, await testToken({ scope: 'operator' }))
    const input = { exchange: 'prices', routingKey: 'prices.{clientId}', buffered: true }
    await operator(createRabbitChannel, { input })
    await using backEnd = await amqp1Publisher(rabbit.port, 'prices', 'prices.carol')
    await using carol = await listenAs('carol')
    const before = await counted()
    const price = async (value: number): Promise<void> => {
      // With an id, so that a second delivery of what was not acknowledged yet is recognised.
      channel.publish('prices', 'prices.carol', Buffer.from(String(value)), {
        contentType: 'application/json',
        messageId: `price-${value}`,
      })
      await channel.waitForConfirms()
    }
    await price(0)
    expect(await carol.next()).toMatchObject({ data: 0 })
    for (const round of [0, 1]) {
      await backEnd.publish(unreadable)
      for (let place = 1; place <= 40; place += 1) await price(round * 40 + place)
    }
    const behind: unknown[] = []
    while (behind.at(-1) !== 80) behind.push((await carol.next()).data)
    expect(behind).toEqual(Array.from({ length: 80 }, (_, place) => place + 1))
    expect(await counted()).toBe(before + 2)
  })

  test('are distinguished from restarts of the broker: no readable message is skipped, however often the tail stops at the same place', async () => {
    await using alice = await listenAs('alice', received.at(-1)?.cursor)
    const before = await counted()
    for (let round = 0; round < 4; round += 1) await rabbit.ctl('close_all_connections', 'a test')
    await rabbit.restart()
    await gateway.ready()
    connection = await amqp.connect(rabbit.url())
    channel = await connection.createConfirmChannel()
    const last = await good()
    const events: DeliveredEvent[] = []
    while (events.at(-1)?.data !== last) events.push(await alice.next())
    expect(shown(events)).toEqual([last])
    expect(await counted()).toBe(before)
  })
})

/** Adjacent gaps are one gap in two parts. */
function collapsed(events: readonly unknown[]): unknown[] {
  return events.filter((one, index) => one !== 'UNREADABLE' || events[index - 1] !== 'UNREADABLE')
}
