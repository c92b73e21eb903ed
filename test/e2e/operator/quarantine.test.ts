import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import amqp, { type ChannelModel, type ConfirmChannel } from 'amqplib'
import { eventually } from '../../support/eventually.ts'
import { type ChannelListener, listen } from '../back-end/graphql-caller.ts'
import { openTwoReplicas, type TwoReplicas } from './two-replicas.ts'

let replicas: TwoReplicas
let connection: ChannelModel
let channel: ConfirmChannel
let alice: ChannelListener
beforeAll(async () => {
  replicas = await openTwoReplicas('quarantined')
  connection = await amqp.connect(replicas.vhost.url)
  channel = await connection.createConfirmChannel()
  const { b } = replicas
  alice = await listen(b.graphqlSocketUrl, await b.clientToken('alice'), { clientId: 'alice' })
  await eventually('the subscription', () => b.gateway.hub.countOf('alice') === 1)
})
afterAll(async () => {
  await alice[Symbol.asyncDispose]()
  await connection.close()
  await replicas[Symbol.asyncDispose]()
})

async function sendBroken(messageId: string, body: string): Promise<void> {
  const properties = { contentType: 'application/json', messageId, appId: 'billing', headers: { tenant: 'acme' } }
  channel.publish('warren.events', 'client.alice', Buffer.from(body), properties)
  await channel.waitForConfirms()
}

interface Quarantined {
  readonly id: string
  readonly messageId: string
}

interface Page {
  readonly quarantine: { readonly nodes: Quarantined[]; readonly endCursor: string; readonly hasMore: boolean }
}

const list = `query List($first: Int, $after: String, $order: QuarantineOrder) {
  quarantine(first: $first, after: $after, order: $order) {
    nodes { id reason text place { byte line column pointer } exchange routingKey receivedAt offset messageId appId headers
      bytes body { text } } endCursor hasMore count
  }
}`

async function waitFor(count: number): Promise<Quarantined[]> {
  return eventually(`${count} messages in the quarantine`, async () => {
    const { quarantine } = await replicas.observer<{ quarantine: { nodes: Quarantined[]; count: number } }>(list)
    return quarantine.count === count && quarantine.nodes
  })
}

test('two replicas that list the quarantine at the same moment agree on what it has', async () => {
  await sendBroken('at-once-1', '{')
  await sendBroken('at-once-2', '[')
  const before = await eventually('both in the quarantine', async () => {
    const { quarantine } = await replicas.onA<{ quarantine: { nodes: Quarantined[] } }>(list)
    const ids = quarantine.nodes.map(({ messageId }) => messageId)
    return ids.includes('at-once-1') && ids.includes('at-once-2') && quarantine.nodes.map(({ id }) => id).toSorted()
  })
  const counts = '{ broker { quarantined } }'
  const [a, b, ofA, ofB] = await Promise.all([
    replicas.onA<{ quarantine: { nodes: Quarantined[]; count: number } }>(list),
    replicas.onB<{ quarantine: { nodes: Quarantined[]; count: number } }>(list),
    replicas.onA<{ broker: { quarantined: number } }>(counts),
    replicas.onB<{ broker: { quarantined: number } }>(counts),
  ])
  for (const { quarantine } of [a, b]) {
    expect(quarantine.nodes.map(({ id }) => id).toSorted()).toEqual(before)
    expect(quarantine.count).toBe(before.length)
  }
  expect([ofA.broker.quarantined, ofB.broker.quarantined]).toEqual([before.length, before.length])
  const ids = a.quarantine.nodes.filter(({ messageId }) => messageId?.startsWith('at-once')).map(({ id }) => id)
  await replicas.onA('mutation D($ids: [ID!]!) { drop(ids: $ids) { dropped } }', { ids })
})

const republish = `mutation Again($id: ID!, $edit: RepublishEdit) {
  republish(id: $id, edit: $edit) { id exchange routingKey cursor }
}`

describe('the quarantine', () => {
  test('is listed in pages with the reason and the place, and a look takes nothing away', async () => {
    const bodies = ['{"order": 9139, "note": "tw', '{"a": 1,\n "b": nope}', '[1, 2']
    for (const [n, body] of bodies.entries()) await sendBroken(`broken-${n}`, body)
    const nodes = await waitFor(3)
    expect(nodes).toEqual([
      expect.objectContaining({
        reason: 'broken-json',
        text: 'the JSON ends too early',
        place: { byte: 28, line: 1, column: 28, pointer: null },
        exchange: 'warren.events',
        routingKey: 'client.alice',
        messageId: 'broken-0',
        appId: 'billing',
        bytes: 27,
        offset: expect.any(Number),
        receivedAt: expect.any(String),
        body: { text: bodies[0] },
      }),
      expect.objectContaining({ place: expect.objectContaining({ line: 2 }), messageId: 'broken-1' }),
      expect.objectContaining({ messageId: 'broken-2' }),
    ])
    const first = await replicas.observer<{ quarantine: { endCursor: string; hasMore: boolean } }>(list, { first: 2 })
    expect(first.quarantine.hasMore).toBe(true)
    const second = await replicas.observer<{ quarantine: { nodes: Quarantined[]; hasMore: boolean } }>(list, {
      first: 2,
      after: first.quarantine.endCursor,
    })
    expect(second.quarantine).toMatchObject({ nodes: [{ messageId: 'broken-2' }], hasMore: false })
  })

  test('is listed with the newest first, and the reasons of all its messages beside a page', async () => {
    await waitFor(3)
    const newest = await replicas.observer<{ quarantine: { endCursor: string } }>(list, {
      first: 2,
      order: 'NEWEST_FIRST',
    })
    expect(newest.quarantine).toMatchObject({
      nodes: [{ messageId: 'broken-2' }, { messageId: 'broken-1' }],
      hasMore: true,
    })
    const { endCursor: after } = newest.quarantine
    expect(await replicas.observer(list, { first: 2, after, order: 'NEWEST_FIRST' })).toMatchObject({
      quarantine: { nodes: [{ messageId: 'broken-0' }], hasMore: false },
    })
    const reasons = `query ($since: DateTime) {
      quarantine(first: 1) { all: reasons { reason count lastAt } later: reasons(since: $since) { reason count } }
    }`
    const since = new Date(Date.now() + 3_600_000).toISOString()
    expect(await replicas.observer(reasons, { since })).toEqual({
      quarantine: { all: [{ reason: 'broken-json', count: 3, lastAt: expect.any(String) }], later: [] },
    })
  })

  test('is listed in order, also if RabbitMQ returns the messages of a visit in no order', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `unordered-${index}`)
    for (const name of names) await sendBroken(name, '{')
    await waitFor(3 + names.length)
    const found: Quarantined[] = []
    let after: string | null = null
    do {
      const page: Page = await replicas.onA(list, { first: 15, after, order: 'NEWEST_FIRST' })
      found.push(...page.quarantine.nodes)
      after = page.quarantine.hasMore ? page.quarantine.endCursor : null
    } while (after !== null)
    const all = ['broken-0', 'broken-1', 'broken-2', ...names]
    expect(found.map(({ messageId }) => messageId)).toEqual(all.toReversed())
    const ids = found.filter(({ messageId }) => names.includes(messageId)).map(({ id }) => id)
    await replicas.onA('mutation D($ids: [ID!]!) { drop(ids: $ids) { dropped } }', { ids })
    await waitFor(3)
  })

  test('gives a message back that was corrected, once, and refuses one that is still broken', async () => {
    const { onA, observer } = replicas
    const [broken] = await waitFor(3)
    const edit = { body: '{"order": 9139, "note": "two bells"}' }
    await expect(observer(republish, { id: broken?.id, edit })).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await expect(onA(republish, { id: broken?.id, edit: { body: '{"order":' } })).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      message: expect.stringContaining('edit.body'),
    })
    const { republish: again } = await onA<{ republish: Record<string, unknown> }>(republish, { id: broken?.id, edit })
    expect(again).toMatchObject({ exchange: 'warren.events', routingKey: 'client.alice', cursor: expect.any(String) })
    expect(await alice.next()).toMatchObject({
      data: { order: 9139, note: 'two bells' },
      messageId: 'broken-0',
      headers: { tenant: 'acme' },
    })
    await waitFor(2)
    await expect(onA(republish, { id: broken?.id })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
  })

  test('drops what an operator names, and reports what is not there', async () => {
    const { onA } = replicas
    const [one] = await waitFor(2)
    expect(
      await onA('mutation Drop($ids: [ID!]!) { drop(ids: $ids) { dropped missing } }', { ids: [one?.id, 'none'] }),
    ).toEqual({ drop: { dropped: [one?.id], missing: ['none'] } })
    await waitFor(1)
    expect(await replicas.observer('{ broker { up quarantined journal { firstOffset lastOffset } } }')).toMatchObject({
      broker: { up: true, quarantined: 1, journal: { firstOffset: expect.any(Number) } },
    })
  })
})
