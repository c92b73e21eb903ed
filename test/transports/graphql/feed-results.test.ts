import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { buildSchema, type ExecutionArgs, type ExecutionResult, type GraphQLSchema, parse } from 'graphql'
import { printJson } from '../../../src/core/json/print-json.ts'
import { Feed } from '../../../src/core/sessions/feeds/feed.ts'
import type { FeedContext } from '../../../src/graphql/compile/selection-printer.ts'
import { sharedFeed } from '../../../src/graphql/operators-only.ts'
import { FeedResults } from '../../../src/transports/graphql/feed-results.ts'
import { eventually } from '../../support/eventually.ts'
import { connectGraphql, type Operation, type Result } from '../../support/frames/graphql-frames.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'

interface Rates {
  readonly name: string
  readonly counts: readonly (number | null)[]
}

describe('the results of a feed', () => {
  /** A schema with one feed, and what was executed. */
  function scene(extensions: object = sharedFeed) {
    const schema = buildSchema(`
      type Query { a: Int }
      type Rates { name(prefix: String = "of "): String! counts: [Int] later: Int who: String }
      type Subscription { rates(every: Int): Rates! }
    `)
    const feeds: Feed<Rates>[] = []
    const resolved: string[] = []
    const root = schema.getSubscriptionType()?.getFields()['rates']
    const fields = (
      schema.getType('Rates') as unknown as { getFields(): Record<string, { resolve: unknown }> }
    ).getFields()
    Object.assign(root ?? {}, {
      extensions,
      subscribe: () => feeds[feeds.push(new Feed<Rates>()) - 1],
      resolve: (event: Rates) => event,
    })
    Object.assign(fields['name'] ?? {}, {
      resolve: ({ name }: Rates, { prefix }: { prefix: string }) => {
        resolved.push(name)
        return `${prefix}${name}`
      },
    })
    Object.assign(fields['later'] ?? {}, { resolve: async () => 1 })
    Object.assign(fields['who'] ?? {}, {
      resolve: (_event: Rates, _args: object, { identity }: { identity: { clientId: string } }) => identity.clientId,
    })
    let executions = 0
    const { gateway, inspection } = {} as FeedContext
    const { plugin } = new FeedResults({ gateway, inspection, onExecute: () => (executions += 1) })
    const documents = new Map<string, ReturnType<typeof parse>>()
    return {
      feeds,
      resolved,
      executions: () => executions,
      /** Undefined: its results are not shared. */
      subscribe: async (text: string, clientId = 'a') => {
        const document = documents.get(text) ?? parse(text)
        documents.set(text, document)
        return begin(plugin, { schema, document, contextValue: { identity: { clientId } } })
      },
    }
  }

  async function begin({ onSubscribe }: FeedResults['plugin'], args: ExecutionArgs & { schema: GraphQLSchema }) {
    let subscribe: ((given: ExecutionArgs) => Promise<AsyncIterableIterator<ExecutionResult>>) | undefined
    const setSubscribeFn = (given: never) => {
      subscribe = given
    }
    await onSubscribe?.({ args, setSubscribeFn } as never)
    return subscribe?.(args)
  }

  const textOf = async (results: AsyncIterator<ExecutionResult> | undefined) =>
    printJson((await results?.next())?.value)

  test('are executed and printed once for all subscriptions with the same operation', async () => {
    const { feeds, resolved, executions, subscribe } = scene()
    const text = 'subscription { rates { name counts named: name(prefix: "") __typename } }'
    const three = [await subscribe(text), await subscribe(text, 'b'), await subscribe(text, 'c')]
    const event = { name: 'orders', counts: [1, null] }
    for (const feed of feeds) feed.push(event)
    const data = '{"rates":{"name":"of orders","counts":[1,null],"named":"orders","__typename":"Rates"}}'
    for (const results of three) expect(await textOf(results)).toBe(`{"data":${data}}`)
    expect(executions()).toBe(1)
    expect(resolved).toEqual(['orders', 'orders'])
  })

  test('of another operation are executed for it', async () => {
    const { feeds, executions, subscribe } = scene()
    const two = [
      await subscribe('subscription { rates { name } }'),
      await subscribe('subscription { rates { counts } }'),
    ]
    const event = { name: 'orders', counts: [] }
    for (const feed of feeds) feed.push(event)
    expect(await textOf(two[0])).toBe('{"data":{"rates":{"name":"of orders"}}}')
    expect(await textOf(two[1])).toBe('{"data":{"rates":{"counts":[]}}}')
    expect(executions()).toBe(2)
  })

  test('are the answer of graphql-js if a resolver reads the caller, promises a value or fails', async () => {
    const { feeds, executions, subscribe } = scene()
    const event = { name: 'orders', counts: [] }
    for (const clientId of ['a', 'b']) {
      const results = await subscribe('subscription { rates { who later } }', clientId)
      feeds.at(-1)?.push(event)
      expect(await textOf(results)).toBe(`{"data":{"rates":{"who":"${clientId}","later":1}}}`)
    }
    const results = await subscribe('subscription { rates { counts } }')
    feeds.at(-1)?.push({ name: 'orders', counts: [0.5] })
    expect((await results?.next())?.value).toMatchObject({ errors: [{ path: ['rates', 'counts', 0] }] })
    expect(executions()).toBe(0)
  })

  test.each([
    ['a directive', 'subscription { rates { name @include(if: true) } }', sharedFeed],
    ['a variable below the root', 'subscription ($p: String) { rates { name(prefix: $p) } }', sharedFeed],
    ['a field that is not marked', 'subscription { rates { name } }', {}],
  ])('are not shared for %s', async (_what, text, extensions) => {
    expect(await scene(extensions).subscribe(text)).toBeUndefined()
  })

  test('end at once, also while the next event is awaited', async () => {
    const { feeds, subscribe } = scene()
    const results = await subscribe('subscription { rates { name } }')
    const next = results?.next()
    await results?.return?.()
    expect(feeds[0]?.ended).toBe(true)
    expect(await next).toEqual({ done: true, value: undefined })
  })
})

describe("the console's subscriptions", () => {
  let gateway: InProcessGateway
  beforeAll(async () => {
    gateway = await openGateway()
  })
  afterAll(() => gateway.close())

  const operations = 'src/console/api/operations'
  const [stats = '', tail = ''] = ['stats', 'tail'].map((name) => {
    const texts = [name, ...(name === 'tail' ? ['messages'] : [])].map((file) =>
      readFileSync(`${operations}/${file}.graphql`, 'utf8'),
    )
    const wanted = new RegExp(`^(fragment|subscription) [^]*?^}\n`, 'gm')
    return texts.flatMap((text) => text.match(wanted) ?? []).join('\n')
  })
  const byGraphqlJs = (text: string) => text.replace(/^ {4}at$/m, '    at @include(if: true)')
  /** Without what depends on the moment of the execution. */
  const momentary = ['uptimeMs', 'spanMs', 'lastSeenAt']
  const comparable = (result: unknown) =>
    JSON.stringify(result, (key, value: unknown) => (momentary.includes(key) ? undefined : value))
  const connect = () => connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token: gateway.operatorToken } })

  test('to the rates cost one execution an event in three pages, and are what graphql-js answers', async () => {
    await using one = await connect()
    await using other = await connect()
    const executions = async () => Number(/^warren_executions_total (\d+)/m.exec(await gateway.metrics())?.[1])
    const before = await executions()
    const pages = [one, other, other].map((client) => client.subscribe(stats, { every: 250 }))
    const events = await Promise.all(pages.map(async (page) => take(page, 5)))
    const seen = new Set(events.flat().map((event) => at(event)))
    // Some are under way, and are counted already.
    expect((await executions()) - before).toBeLessThan(2 * seen.size)
    const [known] = pages
    const single = one.subscribe(byGraphqlJs(stats), { every: 250 })
    await single.next()
    const expected = await single.next()
    const shared = await known?.nextMatching((event) => at(event) === at(expected))
    expect(comparable(shared)).toBe(comparable(expected))
  })

  test('to the rates, with the questions about the broker, gather once for three pages', async () => {
    await using client = await connect()
    const since = performance.now()
    const asked = jest.spyOn(gateway.cluster.gathering, 'ask')
    const pages = [1, 2, 3].map(() => client.subscribe(stats, { every: 1_000 }))
    for (const page of pages) await page.next()
    for (const page of pages) {
      expect(await client.request('{ broker { nodes { address } journal { oldestNeeded } } }')).toMatchObject({
        data: { broker: { nodes: [], journal: { oldestNeeded: null } } },
      })
      await page.next()
    }
    const gathered = asked.mock.calls.filter(([topic]) => topic === 'replica').length
    asked.mockRestore()
    // The first event and one a second; a question gathers only if the last answers are older.
    const seconds = (performance.now() - since) / 1_000
    expect(gathered).toBeGreaterThanOrEqual(2)
    expect(gathered).toBeLessThanOrEqual(2 + 2 * seconds)
  })

  test('to live messages are what graphql-js answers', async () => {
    await using client = await connect()
    const [shared, single] = [tail, byGraphqlJs(tail)].map((text) => client.subscribe(text, { maxPerSecond: 50 }))
    await eventually('both', async () => /warren_subscriptions\{.*graphql-ws.*\} 2\n/.test(await gateway.metrics()))
    const bodies = ['{"id":1}', 'ä €', Buffer.from([0xff, 0])]
    for (const [index, body] of bodies.entries())
      await gateway.gateway.publish({ routingKey: `client.c${index}`, body: Buffer.from(body), properties: {} })
    const all = async (operation: typeof shared) => {
      const entries: unknown[] = []
      while (entries.length < bodies.length) {
        const result = await operation?.next()
        entries.push(...((result?.data?.['tail'] as { entries: unknown[] } | undefined)?.entries ?? []))
      }
      return entries
    }
    const expected = await all(single)
    expect(expected).toMatchObject([{ preview: { text: '{"id":1}' } }, { preview: { text: 'ä €' } }, { bytes: 2 }])
    expect(await all(shared)).toEqual(expected)
  })

  async function take(operation: Operation, count: number): Promise<Result[]> {
    const results: Result[] = []
    while (results.length < count) results.push(await operation.next())
    return results
  }

  function at({ data }: Result): string | undefined {
    return (data?.['gatewayStats'] as { at: string } | undefined)?.at
  }
})
