import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { type DocumentNode, execute, parse, validate } from 'graphql'
import { latin1Of } from '../../../src/core/body/latin1.ts'
import { printJson } from '../../../src/core/json/print-json.ts'
import type { ChannelEvent } from '../../../src/core/model/channel-event.ts'
import { ServedSchema } from '../../../src/events/serving/served-schema.ts'
import { schema } from '../../../src/graphql/schema.ts'
import { answerOf, FanOut } from '../../../src/transports/graphql/fan-out.ts'
import { eventually } from '../../support/eventually.ts'
import { textOf } from '../../support/frames/frames.ts'
import { connectGraphql, type GraphqlClient } from '../../support/frames/graphql-frames.ts'
import { testCursors } from '../../support/gateway/deployment-keys.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { watchHub } from '../../support/gateway/hub-watch.ts'
import { freePort } from '../../support/network/ports.ts'
import { pick, runs, weighted } from '../../support/property.ts'
import { anyEvent, texts } from '../flow/any-event.ts'

const served = new ServedSchema({ schema, operations: undefined, named: undefined })

const fields = Object.keys(
  (schema.getType('ChannelEvent') as { getFields(): Record<string, unknown> } & object).getFields(),
)

/** Any selection that GraphQL allows: aliases, repeated fields, fragments in fragments. */
const { selection } = fc.letrec<{ selection: string }>((tie) => {
  const field = pick(...fields).chain((name) =>
    name === 'gap'
      ? pick('gap { reason }', 'gap { oldest __typename }', 'gap { oldest why: reason }')
      : weighted([6, pick(name)], [1, pick(`${name}_: ${name}`)]),
  )
  const part = fc.oneof(
    { maxDepth: 3 },
    { weight: 70, arbitrary: field },
    { weight: 5, arbitrary: pick('...Named') },
    { weight: 5, arbitrary: pick('__typename', 'of: __typename') },
    { weight: 10, arbitrary: tie('selection').map((inner) => `... { ${inner} }`) },
    { weight: 10, arbitrary: tie('selection').map((inner) => `... on ChannelEvent { ${inner} }`) },
  )
  return { selection: fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(' ')) }
})

const operation = fc
  .tuple(
    selection,
    pick('cursor data', 'gap { reason } kind', 'exchange headers type', '__typename data'),
    pick('channel', 'it: channel'),
  )
  .map(([selected, named, root]) => {
    const fragment = selected.includes('...Named') ? `fragment Named on ChannelEvent { ${named} }` : ''
    return `subscription Any($clientId: ID!) { ${root}(clientId: $clientId) { ${selected} } } ${fragment}`
  })

function checked(text: string): DocumentNode {
  const document = parse(text)
  expect(validate(schema, document)).toEqual([])
  return document
}

describe('a shared result', () => {
  test('is byte for byte the answer of graphql-js, for generated operations and events', () => {
    const fanOut = new FanOut(served, () => undefined)
    const check = (text: string, clientId: string, events: readonly ChannelEvent[]) => {
      const args = { schema, document: checked(text), variableValues: { clientId } }
      const group = fanOut.groupOf(args)
      if (!group) throw new Error(`not shared: ${text}`)
      for (const event of events) {
        const answer = answerOf(args, event)
        const expected = answer.errors ? undefined : latin1Of(printJson(answer) ?? '')
        expect(group.encode(event, clientId, group.argumentsOf(args.variableValues))).toBe(expected)
      }
    }
    const clientId = pick(...texts).map((text) => text || 'c')
    const events = fc.array(anyEvent, { minLength: 1, maxLength: 4 })
    fc.assert(fc.property(operation, clientId, events, check), runs(150))
  })

  test('is made again for another channel, and not for another subscriber', () => {
    let executions = 0
    const fanOut = new FanOut(served, () => (executions += 1))
    const document = checked('subscription ($c: ID!) { channel(clientId: $c) { clientId data } }')
    const group = fanOut.groupOf({ document })
    const cursor = { epoch: '0123456789abcdef', offset: 1, fingerprint: 7, before: false, codec: testCursors }
    const event: ChannelEvent = { kind: 'CHECKPOINT', cursor, receivedAt: 0 }
    const encoded = ['a', 'a', 'b'].map((clientId) => group?.encode(event, clientId, { clientId }))
    expect(encoded.map((text) => /"clientId":"(.)"/.exec(text ?? '')?.[1])).toEqual(['a', 'a', 'b'])
    expect(executions).toBe(2)
    expect(fanOut.groupOf({ document })).toBe(group)
  })

  test.each([
    ['a directive on a field', '{ channel(clientId: "a") { data @skip(if: false) } }'],
    ['a directive on a fragment', '{ channel(clientId: "a") { ... @include(if: true) { data } } }'],
    ['a directive on the root field', '{ channel(clientId: "a") @include(if: true) { data } }'],
    [
      'a directive in a named fragment',
      '{ channel(clientId: "a") { ...F } } fragment F on ChannelEvent { data @skip(if: false) }',
    ],
  ])('is not made for an operation with %s', (_what, text) => {
    expect(new FanOut(served, () => undefined).groupOf({ document: checked(`subscription ${text}`) })).toBeUndefined()
  })

  test('is not made for an error: each subscriber gets the answer of graphql-js, with its own path', () => {
    const document = checked('subscription { channel(clientId: "a") { kind cursor } }')
    const group = new FanOut(served, () => undefined).groupOf({ document })
    const event = { kind: 'CHECKPOINT', receivedAt: 0, cursor: undefined } as unknown as ChannelEvent
    expect(group?.encode(event, 'a', { clientId: 'a' })).toBeUndefined()
    expect(answerOf({ schema, document }, event)).toEqual(execute({ schema, document, rootValue: event }))
    expect(answerOf({ schema, document }, event)).toMatchObject({
      data: null,
      errors: [{ path: ['channel', 'cursor'] }],
    })
  })
})

describe('over graphql-transport-ws', () => {
  const shared = 'subscription ($c: ID!) { channel(clientId: $c) { kind data type headers cursor } }'
  const single = 'subscription ($c: ID!) { channel(clientId: $c) { kind data type headers cursor @include(if: true) } }'

  async function connected(options: Record<string, string> = {}) {
    const gateway = await openGateway(options)
    const connect = () =>
      connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token: gateway.operatorToken } })
    const publishTo = (clientId: string, data: unknown) => {
      const body = Buffer.from(JSON.stringify(data))
      return gateway.gateway.publish({ routingKey: `client.${clientId}`, body, properties: {} })
    }
    return { gateway, connect, publishTo, [Symbol.asyncDispose]: () => gateway.close() }
  }

  /** Subscribes to channel `a` over HTTP. `text` resolves to the next `count` events, unchanged. */
  async function eventStream({ graphqlUrl, operatorToken }: InProcessGateway, query: string) {
    const response = await fetch(graphqlUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        authorization: `Bearer ${operatorToken}`,
      },
      body: JSON.stringify({ query, variables: { c: 'a' } }),
    })
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    return {
      async text(events: number): Promise<string> {
        let text = ''
        while (text.split('event: next').length <= events || !text.endsWith('\n\n'))
          text += (await reader?.read())?.value
        await reader?.cancel()
        return text.replace(/^retry: \d+\n\n/, '')
      },
    }
  }

  /** The received frames of one operation, unchanged but for its id. */
  function framesOf(client: GraphqlClient, id: string): string[] {
    const start = `{"id":${JSON.stringify(id)},`
    return client.frames.waiting.filter((text) => text.startsWith(start)).map((text) => text.slice(start.length))
  }

  test('shared and single results are the same frames, at every length of a header and in every script', async () => {
    await using scene = await connected()
    await using client = await scene.connect()
    const hub = watchHub(scene.gateway.gateway.hub)
    const ids = ['ä "1"', 'ä "2"'] as const
    client.subscribe(shared, { c: 'a' }, ids[0])
    client.subscribe(single, { c: 'a' }, ids[1])
    await hub.until(2)
    const lengths = [0, 1, 2, 3, 10, 50, 65_300, 65_400, 65_535, 70_000, 200_000]
    const payloads = [...lengths.map((length) => 'x'.repeat(length)), ...texts.map((text) => ({ [text]: [text] }))]
    for (const data of payloads) await scene.publishTo('a', data)
    // Every length around the limits of the forms of a header.
    const one = framesOf(client, ids[0])[0]?.length ?? 0
    for (let length = 126 - one - 12; length < 126 - one + 12; length += 1)
      await scene.publishTo('a', 'y'.repeat(Math.max(0, length)))
    const all = payloads.length + 24
    await eventually('all frames', () => ids.every((id) => framesOf(client, id).length === all))
    expect(framesOf(client, ids[0])).toEqual(framesOf(client, ids[1]))
  })

  test('a message is executed once for all equal subscriptions, server-sent events included', async () => {
    const opsPort = await freePort()
    await using scene = await connected({ WARREN_OPS_PORT: String(opsPort) })
    const hub = watchHub(scene.gateway.gateway.hub)
    const clients = await Promise.all(Array.from({ length: 20 }, () => scene.connect()))
    const operations = clients.flatMap((client) => [1, 2].map(() => client.subscribe(shared, { c: 'a' })))
    await hub.until(40)
    const streams = await Promise.all([shared, shared, single].map((query) => eventStream(scene.gateway, query)))
    await hub.until(43)
    const executions = async () => {
      const text = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text()
      return Number(/^warren_executions_total (\d+)/m.exec(text)?.[1])
    }
    const before = await executions()
    for (const number of [1, 2, 3]) await scene.publishTo('a', number)
    for (const operation of operations) {
      for (const number of [1, 2, 3])
        expect(await operation.next()).toMatchObject({ data: { channel: { data: number } } })
    }
    const texts = await Promise.all(streams.map((stream) => stream.text(3)))
    expect(texts[0]).toMatch(/^id: \S+\nevent: next\ndata: \{"data":/)
    expect(texts).toEqual([texts[0], texts[0], texts[0]])
    // Three executions for all but the single one, which has three of its own.
    expect((await executions()) - before).toBe(6)
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()))
  })

  test('a client that does not read costs the others nothing, holds a bounded number of bytes, and receives everything when it reads again', async () => {
    const opsPort = await freePort()
    const limits = { WARREN_MAX_BUFFERED_BYTES: '64KiB', WARREN_HOT_WINDOW: '10m,128MiB', WARREN_KEEP_ALIVE: '5m' }
    await using scene = await connected({ WARREN_OPS_PORT: String(opsPort), ...limits })
    const hub = watchHub(scene.gateway.gateway.hub)
    await using slow = await scene.connect()
    await using quick = await scene.connect()
    const received: Record<'slow' | 'quick', number[]> = { slow: [], quick: [] }
    const note = (name: 'slow' | 'quick', client: GraphqlClient) =>
      client.frames.socket.on('message', (data) => {
        const number = /"data":\{"number":(\d+)/.exec(textOf(data))?.[1]
        if (number !== undefined) received[name].push(Number(number))
      })
    note('slow', slow)
    note('quick', quick)
    slow.subscribe(shared, { c: 'a' })
    quick.subscribe(shared, { c: 'a' })
    await hub.until(2)
    slow.frames.socket.pause()
    const outboxBytes = async () => {
      const text = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text()
      return Number(/^warren_outbox_bytes (\d+)/m.exec(text)?.[1])
    }
    const padding = 'x'.repeat(20_000)
    // More than the buffers of the system hold.
    const count = 800
    let highest = 0
    for (let number = 0; number < count; number += 1) {
      await scene.publishTo('a', { number, padding })
      if (number % 100 === 0) highest = Math.max(highest, await outboxBytes())
    }
    await eventually('the quick client to receive everything', () => received.quick.length === count)
    // The slow one has left the live end, so only the quick one is there.
    expect(scene.gateway.gateway.hub.size).toBe(1)
    expect(highest).toBeGreaterThan(64 * 1024)
    expect(highest).toBeLessThan(256 * 1024)
    slow.frames.socket.resume()
    await eventually('the slow client to receive everything', () => received.slow.length === count)
    const all = Array.from({ length: count }, (_, number) => number)
    expect(received).toEqual({ slow: all, quick: all })
    await eventually('no event to be pending', async () => (await outboxBytes()) === 0)
  })
})
