import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import amqp, { type ConfirmChannel } from 'amqplib'
import { connectGraphql, type Result } from '../support/frames/graphql-frames.ts'
import { Inbox } from '../support/frames/inbox.ts'
import { type GatewayProcess, startGateway, testToken } from '../support/gateway/gateway-process.ts'
import { type TestVhost, testVhost } from '../support/rabbitmq/broker.ts'

interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly name: string
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[]
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Span['attributes'] }
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[]
  }[]
}

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'
const traceparent = `00-${traceId}-${spanId}-01`
const shared = 'subscription { channel(clientId: "alice") { data } }'
/** A directive makes graphql-js execute each of these separately. */
const alone = 'subscription { channel(clientId: "alice") { data @include(if: true) } }'

/** The requests that an OpenTelemetry collector receives. */
async function openCollector() {
  const exports = new Inbox<Export>('an export of spans')
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      if (request.url === '/v1/traces') exports.push(JSON.parse(body) as Export)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, exports, server }
}

let vhost: TestVhost
let collector: Awaited<ReturnType<typeof openCollector>>
let traced: GatewayProcess
let untraced: GatewayProcess
let back: ConfirmChannel
let closeBack: () => Promise<void>
beforeAll(async () => {
  ;[vhost, collector] = await Promise.all([testVhost('tracing'), openCollector()])
  const env = { WARREN_BROKER_URL: vhost.url }
  ;[traced, untraced] = await Promise.all([
    startGateway({ env: { ...env, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '100' } }),
    startGateway({ env }),
  ])
  const connection = await amqp.connect(vhost.url)
  back = await connection.createConfirmChannel()
  closeBack = () => connection.close()
})
afterAll(async () => {
  await closeBack?.()
  await Promise.all([traced?.[Symbol.asyncDispose](), untraced?.[Symbol.asyncDispose]()])
  collector?.server.close()
  await vhost?.close()
})

async function send(headers: Record<string, unknown>, messageId: string): Promise<void> {
  back.publish('warren.events', 'client.alice', Buffer.from('1'), {
    headers,
    messageId,
    contentType: 'application/json',
  })
  await back.waitForConfirms()
}

/** The next event on every kind of subscription to alice. */
async function listen(gateway: GatewayProcess) {
  const token = await testToken({ sub: 'alice' })
  const client = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token } })
  const checkpoints = client.subscribe('subscription { channel(clientId: "alice", checkpoints: true) { kind } }')
  const operations = [client.subscribe(shared), client.subscribe(alone)]
  const streams = await Promise.all(
    [shared, alone].map(async (query) => {
      const url = `${gateway.graphqlUrl}?${new URLSearchParams({ query, token })}`
      const response = await fetch(url, { headers: { accept: 'text/event-stream' } })
      return eventsOf(response)
    }),
  )
  await checkpoints.next()
  return {
    next: async () => (await Promise.all([...operations, ...streams].map((one) => one.next()))) as TracedResult[],
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}

type TracedResult = Result & { readonly extensions?: { readonly traceparent?: string } }

function eventsOf(response: Response): Inbox<Result> {
  const results = new Inbox<Result>('a result over SSE')
  void (async () => {
    let rest = ''
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      rest += chunk
      const blocks = rest.split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const data = /^data: (.+)$/m.exec(block)?.[1]
        if (data !== undefined) results.push(JSON.parse(data) as Result)
      }
    }
  })().catch(() => undefined)
  return results
}

const valueOf = (attributes: Span['attributes'], name: string) =>
  Object.values(attributes.find(({ key }) => key === name)?.value ?? {})[0]

describe('the trace of a publisher', () => {
  test('continues in an exported span of the delivery, and every client receives it', async () => {
    await using listener = await listen(traced)
    await send({ traceparent }, 'traced')
    const results = await listener.next()
    const traceparents = new Set(results.map(({ extensions }) => extensions?.traceparent))
    expect(traceparents.size).toBe(1)
    const [, ownTraceId, ownSpanId, flags] = [...traceparents][0]?.split('-') ?? []
    expect({ ownTraceId, flags }).toEqual({ ownTraceId: traceId, flags: '01' })
    expect(ownSpanId).not.toBe(spanId)

    const { resourceSpans } = await collector.exports.next()
    const [span] = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
    expect(span).toMatchObject({ traceId, parentSpanId: spanId, spanId: ownSpanId, name: 'deliver warren.events' })
    expect(valueOf(span?.attributes ?? [], 'messaging.message.id')).toBe('traced')
    expect(valueOf(span?.attributes ?? [], 'warren.subscriptions')).toBe(5)
    expect(valueOf(resourceSpans[0]?.resource.attributes ?? [], 'service.name')).toBe('warren')
  })

  test('reaches clients unchanged if tracing is off', async () => {
    await using listener = await listen(untraced)
    await send({ traceparent }, 'passed on')
    const results = await listener.next()
    expect(results).toHaveLength(4)
    for (const result of results)
      expect(result).toEqual({ data: { channel: { data: 1 } }, extensions: { traceparent } })
  })

  test.each([
    ['nothing', {}],
    ['an invalid value', { traceparent: 'garbage' }],
    ['zeros', { traceparent: `00-${'0'.repeat(32)}-${spanId}-01` }],
  ])('is not invented if the message has %s', async (_what, headers) => {
    await using listener = await listen(traced)
    await send(headers, 'untraced')
    for (const result of await listener.next()) expect(result).toEqual({ data: { channel: { data: 1 } } })
  })
})
