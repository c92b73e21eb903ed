import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { connectGraphql, type GraphqlClient, type Operation } from '../../support/frames/graphql-frames.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { createRabbitChannel, listen, publish } from '../back-end/graphql-caller.ts'
import { openTwoReplicas, type TwoReplicas } from './two-replicas.ts'

const folder = newFolder()
/** Reads what a source reads, too. */
const sdl = `
  type Chat { text: String }
  type Subscription { chatted: Chat @events(exchange: "chats", routingKey: "#") @allow(anonymous: true) }
`
let replicas: TwoReplicas
let client: GraphqlClient
beforeAll(async () => {
  const file = join(folder, 'chats.graphql')
  writeFileSync(file, sdl)
  replicas = await openTwoReplicas('tail', { WARREN_SCHEMA: file })
  const { a, observerToken } = replicas
  client = await connectGraphql(a.graphqlSocketUrl, { connectionParams: { token: observerToken } })
})
afterAll(async () => {
  await client[Symbol.asyncDispose]()
  await replicas[Symbol.asyncDispose]()
  removeFolder(folder)
})

interface Tail {
  readonly entries: readonly { readonly data: unknown; readonly outcome: string; readonly explanation: string }[]
  readonly seen: number
  readonly sampledOneIn: number
  readonly outcomes: readonly { readonly outcome: string; readonly count: number }[]
  readonly withoutClient: number
}

const query = `subscription Tail($channel: ID, $filter: TailFilter, $maxPerSecond: Int) {
  tail(channel: $channel, filter: $filter, maxPerSecond: $maxPerSecond) {
    entries { data outcome explanation clients } seen sampledOneIn outcomes { outcome count } withoutClient unanswered
  }
}`

async function nextOf(operation: Operation): Promise<Tail> {
  const { data, errors } = await operation.next()
  if (!data) throw new Error(JSON.stringify(errors))
  return data['tail'] as Tail
}

/** Waits until the gateway follows its tail for the subscription. */
async function follow(variables: Record<string, unknown>): Promise<Operation> {
  const operation = client.subscribe(query, variables)
  // The connection answers in order.
  await client.request('{ gateway { version } }')
  return operation
}

describe('the tail', () => {
  test('shows a message with what became of it on all replicas', async () => {
    const { b, onA } = replicas
    await using onOther = await listen(b.graphqlSocketUrl, await b.clientToken('tara'), { clientId: 'tara' })
    await eventually('the subscription', () => b.gateway.hub.countOf('tara') === 1)
    const tail = await follow({})
    await onA(publish, { input: { clientId: 'tara', data: { n: 1 } } })
    await onOther.next()
    const event = await nextOf(tail)
    expect(event).toMatchObject({ seen: 1, sampledOneIn: 1, outcomes: [{ outcome: 'DELIVERED', count: 1 }] })
    expect(event.entries).toEqual([
      {
        data: { n: 1 },
        outcome: 'DELIVERED',
        explanation: '1 of 1 subscriptions received it.',
        clients: ['tara'],
      },
    ])
    tail.stop()
  })

  test('counts a message without a client that typed fields read as such', async () => {
    const { onA } = replicas
    const input = { exchange: 'chats', exchangeType: 'TOPIC', routingKey: '#', clientId: { bodyPointer: '/to' } }
    await onA(createRabbitChannel, { input })
    const tail = await follow({})
    for (const to of [['uma'], []])
      await onA(publish, { input: { exchange: 'chats', routingKey: 'x', data: { to, text: 'hi' } } })
    let [messages, withoutClient] = [0, 0]
    while (messages < 2) {
      const event = await nextOf(tail)
      for (const { outcome, count } of event.outcomes) {
        expect(outcome).toBe('NO_SUBSCRIBER')
        messages += count
      }
      withoutClient += event.withoutClient
    }
    expect(withoutClient).toBe(1)
    tail.stop()
  })

  test('is filtered by client, key, text and outcome', async () => {
    const { onA } = replicas
    const filter = { routingKey: 'client.*', text: 'wanted', outcomes: ['NO_SUBSCRIBER'] }
    const tail = await follow({ channel: 'uma', filter })
    for (const [clientId, data] of [
      ['uma', 'other'],
      ['vera', 'wanted'],
      ['uma', 'wanted'],
    ] as const)
      await onA(publish, { input: { clientId, data } })
    const found: unknown[] = []
    while (found.length === 0) found.push(...(await nextOf(tail)).entries)
    expect(found).toEqual([expect.objectContaining({ data: 'wanted', outcome: 'NO_SUBSCRIBER', clients: ['uma'] })])
    tail.stop()
  })

  test('is sampled above its rate, and reports it', async () => {
    const { onA } = replicas
    const tail = await follow({ maxPerSecond: 4 })
    await Promise.all(Array.from({ length: 50 }, (_, n) => onA(publish, { input: { clientId: 'uma', data: n } })))
    const event = await nextOf(tail)
    expect(event.entries).toHaveLength(1)
    expect(event.seen).toBeGreaterThan(1)
    expect(event.sampledOneIn).toBe(event.seen)
    tail.stop()
  })

  test('is for operators and observers only, and names an argument that is invalid', async () => {
    const { a } = replicas
    await using other = await connectGraphql(a.graphqlSocketUrl, {
      connectionParams: { token: await a.clientToken('uma') },
    })
    expect((await other.request(query)).errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' })
    expect((await client.request(query, { maxPerSecond: 0 })).errors?.[0]).toMatchObject({
      message: expect.stringContaining('maxPerSecond'),
      extensions: { code: 'BAD_USER_INPUT' },
    })
  })
})
