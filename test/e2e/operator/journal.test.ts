import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import amqp, { type ChannelModel, type ConfirmChannel } from 'amqplib'
import { eventually } from '../../support/eventually.ts'
import { createRabbitChannel, listen, publish } from '../back-end/graphql-caller.ts'
import { openTwoReplicas, type TwoReplicas } from './two-replicas.ts'

let replicas: TwoReplicas
let connection: ChannelModel
let channel: ConfirmChannel
let source: string
/** Messages to two clients in turn, so that filters leave something out. */
const count = 60
beforeAll(async () => {
  // A small window, so that most of the journal is only on RabbitMQ.
  replicas = await openTwoReplicas('journal', { WARREN_HOT_WINDOW: '5m,64KiB' })
  connection = await amqp.connect(replicas.vhost.url)
  channel = await connection.createConfirmChannel()
  const input = { exchange: 'orders', exchangeType: 'TOPIC', routingKey: 'orders.#', clientId: { bodyPointer: '/to' } }
  const made = await replicas.onA<{ createRabbitChannel: { id: string } }>(createRabbitChannel, { input })
  source = made.createRabbitChannel.id
  for (let n = 0; n < count; n += 1)
    await send(`orders.${n % 2 ? 'odd' : 'even'}`, { n, to: n % 2 ? 'bob' : 'alice', pad: 'x'.repeat(2_500) }, `m${n}`)
})
afterAll(async () => {
  await connection.close()
  await replicas[Symbol.asyncDispose]()
})

async function send(key: string, body: unknown, messageId?: string, contentType = 'application/json'): Promise<void> {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  channel.publish('orders', key, bytes, {
    contentType,
    headers: { tenant: 'acme' },
    ...(messageId ? { messageId } : {}),
  })
  await channel.waitForConfirms()
}

interface Entry {
  readonly offset: number
  readonly cursor: string
  readonly messageId: string | null
  readonly data: { readonly n: number } | null
  readonly clients: readonly string[]
  readonly receivedAt: string | null
}

interface Page {
  readonly nodes: readonly Entry[]
  readonly startCursor: string | null
  readonly endCursor: string | null
  readonly hasOlder: boolean
  readonly hasNewer: boolean
  readonly at: { readonly messageId: string } | null
  readonly note: string | null
  readonly searched: {
    readonly messages: number
    readonly firstOffset: number
    readonly lastOffset: number
    readonly since: string | null
  } | null
}

const browse = `query Browse($source: ID, $channel: ID, $search: String, $around: JournalPlace, $before: Cursor, $after: Cursor, $first: Int) {
  messages(source: $source, channel: $channel, search: $search, around: $around, before: $before, after: $after, first: $first) {
    nodes { offset cursor messageId receivedAt exchange routingKey headers data bytes body { text encoding truncated }
      clients clientCount sources outcome explanation }
    startCursor endCursor hasOlder hasNewer at { messageId } note epoch searched { messages firstOffset lastOffset since }
  }
}`

async function pageOf(variables: Record<string, unknown>): Promise<Page> {
  return (await replicas.observer<{ messages: Page }>(browse, variables)).messages
}

const numbersOf = ({ nodes }: Page) => nodes.map(({ data }) => data?.n)
const range = (from: number, to: number, step = 1) =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, index) => from + index * step)

describe('the journal', () => {
  test('can be paged back to its beginning and forth to its end, each message once', async () => {
    const found: Entry[] = []
    let before: string | null = null
    do {
      const page: Page = await pageOf({ source, first: 25, ...(before ? { before } : {}) })
      found.unshift(...page.nodes)
      before = page.hasOlder ? page.startCursor : null
    } while (before !== null)
    expect(found.map(({ data }) => data?.n)).toEqual(range(0, count))

    const forth: unknown[] = []
    let after: string | null = found[0]!.cursor
    do {
      const page: Page = await pageOf({ source, first: 25, after })
      forth.push(...numbersOf(page))
      after = page.hasNewer ? page.endCursor : null
    } while (after !== null)
    expect(forth).toEqual(range(1, count))
  })

  test('is searched for words as a trace is, and reports how far back', async () => {
    const whole = await pageOf({ source, search: 'to bob 7' })
    expect(numbersOf(whole)).toEqual([7])
    expect(whole).toMatchObject({ hasOlder: false, hasNewer: false, searched: { firstOffset: 0, since: null } })
    expect(whole.searched?.messages).toBeGreaterThanOrEqual(count)
    // The beginning of an id, and whole numbers of bodies.
    expect(numbersOf(await pageOf({ source, search: 'm59' }))).toEqual([59])
    expect(numbersOf(await pageOf({ source, search: 'orders.odd 1' }))).toEqual([1])
    const [newest] = (await pageOf({ source, first: 1 })).nodes
    const within = await pageOf({ source, search: 'bob', first: 1 })
    expect(within).toMatchObject({
      hasOlder: true,
      searched: { firstOffset: newest!.offset, since: newest!.receivedAt },
    })
    // What was read beyond the page is not counted.
    const all = (await pageOf({ first: 500 })).nodes
    const expectCounted = ({ searched }: Page): void => {
      const { messages, firstOffset = 0, lastOffset = 0 } = searched ?? {}
      expect(messages).toBe(all.filter(({ offset }) => offset >= firstOffset && offset <= lastOffset).length)
    }
    const back = await pageOf({ source, search: 'alice', first: 3 })
    expect(back.searched?.firstOffset).toBe(back.nodes[0]!.offset)
    const forth = await pageOf({ source, search: 'alice', first: 3, after: all[0]!.cursor })
    expect(forth).toMatchObject({ hasNewer: true, searched: { firstOffset: all[0]!.offset + 1 } })
    expect(forth.searched?.lastOffset).toBeGreaterThanOrEqual(forth.nodes[2]!.offset)
    for (const page of [whole, within, back, forth]) expectCounted(page)
    for (const search of [' ', 'x'.repeat(501)])
      await expect(pageOf({ search })).rejects.toMatchObject({
        code: 'BAD_USER_INPUT',
        message: expect.stringContaining('search'),
      })
  })

  test('shows bodies, headers and clients, and the time as far as the replica remembers it', async () => {
    const newest = await pageOf({ source, first: 1 })
    expect(newest.nodes).toEqual([
      expect.objectContaining({
        exchange: 'orders',
        routingKey: 'orders.odd',
        headers: { tenant: 'acme' },
        data: expect.objectContaining({ n: count - 1 }),
        body: { text: expect.stringContaining('"to":"bob"'), encoding: 'TEXT', truncated: false },
        clients: ['bob'],
        clientCount: 1,
        sources: [source],
        outcome: 'NO_SUBSCRIBER',
        receivedAt: expect.any(String),
      }),
    ])
    const oldest = await pageOf({ source, around: { offset: 0 }, first: 5 })
    expect(oldest.nodes[0]).toMatchObject({ data: { n: 0 }, receivedAt: null, outcome: null })
  })

  test('is filtered by client', async () => {
    expect(numbersOf(await pageOf({ channel: 'alice', first: 5 }))).toEqual(range(count - 10, count, 2))
  })

  test('is found around a cursor, an offset, a message id and a time', async () => {
    const all = await pageOf({ source, first: count })
    const middle = all.nodes[count / 2]!
    for (const around of [{ cursor: middle.cursor }, { offset: middle.offset }]) {
      const page = await pageOf({ source, around, first: 4 })
      expect(numbersOf(page)).toEqual(range(count / 2 - 2, count / 2 + 2))
      expect(page).toMatchObject({ hasOlder: true, hasNewer: true, at: { messageId: middle.messageId }, note: null })
    }
    const recent = all.nodes.at(-2)!
    expect(await pageOf({ source, around: { messageId: recent.messageId }, first: 4 })).toMatchObject({
      at: { messageId: recent.messageId },
    })
    expect(numbersOf(await pageOf({ source, around: { time: recent.receivedAt }, first: 4 }))).toContain(count - 2)
    expect(numbersOf(await pageOf({ source, around: { time: '2020-01-01T00:00:00Z' }, first: 4 }))).toEqual(range(0, 4))
  })

  test('a place that it does not hold is answered with a note, and an invalid one by name', async () => {
    expect((await pageOf({ around: { offset: 1e9 } })).note).toContain('ends at offset')
    expect((await pageOf({ around: { messageId: 'unknown' } })).note).toContain('message with this id')
    await expect(pageOf({ around: { cursor: 'none' } })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
    await expect(pageOf({ source: 'none' })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
    await expect(pageOf({ before: 'a', after: 'b' })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
  })

  test('a broken body is shown as it came, with the reason', async () => {
    await send('orders.broken', '{"to": "al', 'broken')
    const { messages } = await replicas.observer<{ messages: { nodes: Record<string, unknown>[] } }>(
      '{ messages(exchange: "orders", first: 1) { nodes { data unreadable body { text } outcome explanation } } }',
    )
    expect(messages.nodes).toEqual([
      {
        data: null,
        unreadable: expect.stringContaining('does not parse'),
        body: { text: '{"to": "al' },
        outcome: 'QUARANTINED',
        explanation: expect.stringContaining('quarantine'),
      },
    ])
  })
})

interface Trace {
  readonly replica: string
  readonly messages: readonly Record<string, unknown>[]
}

const traced = `replica messages { offset cursor messageId outcome explanation pending sourceReasons { source matched clients reason }
  sessions { session clientId outcome transport } }`

describe('a trace', () => {
  test('of a message without an id is found by a picture of it, and by its cursor, on both replicas', async () => {
    const { a, b, onB, observer } = replicas
    await using alice = await listen(b.graphqlSocketUrl, await b.clientToken('alice'), { clientId: 'alice' })
    await eventually('the subscription', () => b.gateway.hub.countOf('alice') === 1)
    await send('orders.even', { order: 17, to: 'alice' })
    expect((await alice.next()).data).toMatchObject({ order: 17 })
    const { trace } = await observer<{ trace: Trace[] }>(
      `{ trace(look: { exchange: "orders", routingKey: "orders.*", text: "17", clientId: "alice" }) { ${traced} } }`,
    )
    expect(trace.map(({ replica }) => replica)).toEqual([a.gateway.replica, b.gateway.replica])
    const [onA, there] = trace.map(({ messages }) => messages[0])
    expect(onA).toMatchObject({
      outcome: 'NO_SUBSCRIBER',
      sessions: [],
      sourceReasons: [{ source, matched: true, clients: ['alice'] }],
    })
    expect(there).toMatchObject({
      outcome: 'DELIVERED',
      messageId: null,
      explanation: '1 of 1 subscriptions received it.',
      pending: 0,
      sessions: [{ clientId: 'alice', outcome: 'DELIVERED', transport: 'graphql-ws' }],
    })
    const byCursor = await onB<{ trace: Trace[] }>(`query T($c: Cursor) { trace(cursor: $c) { ${traced} } }`, {
      c: there?.['cursor'],
    })
    expect(byCursor.trace.map(({ messages }) => messages[0]?.['outcome'])).toEqual(['DELIVERED', 'NO_SUBSCRIBER'])
  })

  test('of a message that no client gets names the reason of each source', async () => {
    const { onA } = replicas
    await send('orders.none', { to: [] }, 'empty')
    await send('orders.none', 'plain', 'text', 'text/plain')
    await send('orders.none', { recipient: 'x' }, 'other')
    const reasonOf = (messageId: string) =>
      eventually(`the trace of ${messageId}`, async () => {
        const { trace } = await onA<{
          trace: { messages: { outcome: string; sourceReasons: { reason: string }[] }[] }[]
        }>(`{ trace(messageId: "${messageId}") { messages { outcome sourceReasons { reason } } } }`)
        const message = trace[0]?.messages[0]
        return message?.outcome === 'UNMATCHED' && message.sourceReasons[0]?.reason
      })
    expect(await reasonOf('empty')).toBe('"/to" is an empty list')
    expect(await reasonOf('text')).toBe('content type text/plain, not read as JSON')
    expect(await reasonOf('other')).toBe('"/to" is not in the body')
  })

  test('finds messages by the beginning of their id, or by words, and answers why not for a client', async () => {
    const { onA } = replicas
    await send('orders.seek', { to: 'bob', order: 1017 }, 'seek-17-created')
    await send('orders.seek', { to: 'bob', order: 2042 }, 'seek-170-created')
    const query = `query T($text: String) { trace(look: { search: $text, exchange: "orders" }) { messages {
      messageId preview withoutClient forClient(clientId: "alice") { isFor reason } } } }`
    const find = async (text: string) => {
      const { trace } = await onA<{ trace: Trace[] }>(query, { text })
      return trace.map(({ messages }) => messages.map(({ messageId }) => messageId))
    }
    await eventually('both on both replicas', async () => (await find('seek-')).every(({ length }) => length === 2))
    expect(await find('seek 17')).toEqual([['seek-17-created'], ['seek-17-created']])
    // No id has these words, a body has.
    expect(await find('order 2042')).toEqual([['seek-170-created'], ['seek-170-created']])
    expect(await find('order 204')).toEqual([[], []])
    const { trace } = await onA<{ trace: Trace[] }>(query, { text: 'seek-17-' })
    const reason = expect.stringContaining('it is for bob: the body at "/to" (orders ')
    expect(trace[0]?.messages).toEqual([
      {
        messageId: 'seek-17-created',
        preview: '{"to":"bob","order":1017}',
        withoutClient: false,
        forClient: { isFor: false, reason },
      },
    ])
    await send('orders.seek', { nobody: true }, 'found-by-word')
    const nobody = await eventually('a message without a client', async () => {
      const answer = await onA<{ trace: Trace[] }>(query, { text: 'nobody' })
      return answer.trace[0]?.messages.length === 1 && answer.trace[0].messages
    })
    expect(nobody).toMatchObject([
      {
        withoutClient: true,
        forClient: { isFor: false, reason: expect.stringContaining('"/to" is not in the body (') },
      },
    ])
    await expect(onA(query, { text: ' ' })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
  })

  test('of a message older than the memory of the replicas comes from the journal', async () => {
    const oldest = await pageOf({ source, around: { offset: 0 }, first: 2 })
    const { trace } = await replicas.onA<{ trace: Trace[] }>(
      `query T($c: Cursor) { trace(cursor: $c) { ${traced} } }`,
      {
        c: oldest.nodes[0]?.cursor,
      },
    )
    expect(trace[0]?.messages).toEqual([expect.objectContaining({ messageId: 'm0', outcome: null })])
  })

  test('expects exactly one of its arguments', async () => {
    const { onA } = replicas
    await expect(onA('{ trace { replica } }')).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
    await expect(onA('{ trace(messageId: "a", cursor: "b") { replica } }')).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
    })
    await expect(onA('{ trace(look: {}) { replica } }')).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
    await expect(publishWithoutOperator()).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })
})

/** An observer reads, and nothing else. */
function publishWithoutOperator(): Promise<unknown> {
  return replicas.observer(publish, { input: { clientId: 'alice', data: 1 } })
}
