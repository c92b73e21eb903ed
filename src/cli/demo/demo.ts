import type { Config } from '../../config/options/options.ts'
import type { Gateway } from '../../core/gateway.ts'
import { within } from '../../core/timing/deadline.ts'
import { gatewayUrl } from '../gateway/gateway-url.ts'
import { localSigner } from '../gateway/local-signer.ts'
import { type Connect, comeAndGo, type DemoGateway, stayConnected } from './clients/connect.ts'
import { graphqlWsClient } from './clients/graphql-ws-client.ts'
import { socketClusterClient } from './clients/socketcluster-client.ts'
import { sseClient } from './clients/sse-client.ts'
import { tcpClient } from './clients/tcp-client.ts'
import { cataloguePage, couriers, firstPages, lostOrder, messagesOf, shopSources, tickMs } from './shop.ts'

/** How fast the slow client reads, a little slower than its messages come, in bytes per second. */
const slowBytesPerSecond = 7_000
/** How long a courier is online and then away, in milliseconds. */
const shift = { onlineMs: 25_000, offlineMs: 20_000 }
/** How long the clients may take to end, in milliseconds. */
const stopMs = 2_000
const tokenTtlSeconds = 24 * 60 * 60

const channelOf = (clientId: string) => `subscription { channel(clientId: "${clientId}") { kind cursor data } }`
const clients: readonly Connect[] = [
  graphqlWsClient('alice', [
    channelOf('alice'),
    'subscription { orderChanged(customerId: "alice", status: [CREATED, PAID]) { id status total cursor } }',
  ]),
  sseClient('bob'),
  socketClusterClient('carol'),
  tcpClient('dave'),
  graphqlWsClient('dispatch', [
    channelOf('dispatch'),
    ...couriers.map((id) => `subscription { courierMoved(courier: "${id}") { courier latitude longitude } }`),
    'subscription { parcel(id: "p-1") { __typename } }',
  ]),
  sseClient('tablet-17', slowBytesPerSecond),
]

export interface Demo {
  /** Ends the publisher and the clients. Never rejects. */
  stop(): Promise<void>
}

/** Fills a gateway on the embedded broker with messages and clients, until it is stopped. */
export async function startDemo(gateway: Gateway, config: Config): Promise<Demo> {
  for (const source of shopSources) await gateway.createSource(source)
  const signer = await localSigner(config, { create: true })
  const target: DemoGateway = {
    url: gatewayUrl(config).replace(/\/graphql$/, ''),
    tcpPort: config.tcpPort,
    token: async (clientId) => (await signer.sign({ clientId, scope: ['event:*'], ttlSeconds: tokenTtlSeconds })).token,
  }
  const stopping = new AbortController()
  const { signal } = stopping
  const running = [
    ...clients.map((connect) => stayConnected(connect, target, signal)),
    ...couriers.map((id, index) =>
      comeAndGo(graphqlWsClient(id, [channelOf(id)]), target, { ...shift, startMs: index * 8_000 }, signal),
    ),
  ]
  const publish = (messages: ReturnType<typeof messagesOf>): void => {
    // A message that is refused, for example because the gateway closes, is not worth a line.
    for (const message of messages) void gateway.publish(message).catch(() => undefined)
  }
  let tick = 0
  let pages = 0
  const timer = setInterval(() => {
    publish(messagesOf(tick, new Date()))
    // The first pages fill the buffers of the slow client's connection.
    const until = tick > 8 ? Math.min(firstPages, pages + 16) : pages
    for (; pages < until; pages += 1) publish([cataloguePage(pages)])
    tick += 1
  }, tickMs)
  return {
    async stop() {
      clearInterval(timer)
      stopping.abort()
      await within(stopMs, Promise.all(running))
    },
  }
}

/** What to look at first. */
export const tour = [
  'The demo runs: a shop with orders, couriers, a slow client, and messages that go wrong.',
  'In the console, look first at:',
  '  Overview    what flows from the exchanges to the clients, and whether the sums agree',
  '  Clients     who is slow (tablet-17), and couriers that come and go',
  `  Trace       order-${lostOrder}-created: why it did not reach alice`,
  '  Sources     which orders match no client, and why',
  '  Quarantine  bodies that cannot be read, and a total that is no number',
  'The tour is in docs/guides/demo.md. All of it is in memory, and ends with Ctrl-C.',
] as const

export { demoConfig, emptyRegistryFolder } from './demo-config.ts'
