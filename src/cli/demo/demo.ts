import type { Endpoint } from '../../app/endpoints.ts'
import type { Config } from '../../config/options/options.ts'
import { within } from '../../core/timing/deadline.ts'
import { gatewayUrl } from '../gateway/gateway-url.ts'
import { localSigner } from '../gateway/local-signer.ts'
import { type Connect, comeAndGo, type DemoGateway, stayConnected } from './clients/connect.ts'
import { graphqlWsClient } from './clients/graphql-ws-client.ts'
import { socketClusterClient } from './clients/socketcluster-client.ts'
import { sseClient } from './clients/sse-client.ts'
import { tcpClient } from './clients/tcp-client.ts'
import { emptyDemoFolders } from './demo-gateway.ts'
import { CustomerOrders } from './front/customer-orders.ts'
import { type KillableGateway, openShopFront, type ShopFront } from './front/shop-front.ts'
import { cataloguePage, couriers, lostOrder, messagesOf, pagesAt, tickMs } from './shop.ts'

/**
 * How fast the slow client reads, a little slower than its messages come, in bytes per second. If
 * it were slower, its system would take nothing more for longer than `RequestTurns` waits: the
 * receive buffer is offered again only when some 400 KB of it are read.
 */
const slowBytesPerSecond = 20_000
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
  /** Starts the programs of the demo. Resolves with the address of the shop's page. */
  start(): Promise<Endpoint[]>
  /** Ends them. Never rejects. Idempotent. */
  stop(): Promise<void>
  /** What to look at first. */
  readonly tour: readonly string[]
}

/**
 * The programs around the gateway of the demo: a publisher, clients, and the page of the shop. They
 * are in another process than the gateway, so they stay when it is killed. Empties the folder of
 * the demo.
 */
export function createDemo(config: Config, gateway: KillableGateway): Demo {
  emptyDemoFolders(config)
  const stopping = new AbortController()
  const orders = new CustomerOrders((publication) => gateway.publish(publication))
  let running: Promise<void>[] = []
  let front: ShopFront | undefined
  return {
    tour,
    async start() {
      const { signal } = stopping
      const signer = await localSigner(config, { create: true })
      const sign = async (clientId: string, scope: readonly string[]) =>
        (await signer.sign({ clientId, scope, ttlSeconds: tokenTtlSeconds })).token
      const target: DemoGateway = {
        url: gatewayUrl(config).replace(/\/graphql$/, ''),
        tcpPort: config.tcpPort,
        token: (clientId) => sign(clientId, ['event:*']),
      }
      front = await openShopFront(config, { gateway, orders, token: (clientId) => sign(clientId, []) })
      running = [
        ...clients.map((connect) => stayConnected(connect, target, signal)),
        ...couriers.map((id, index) =>
          comeAndGo(graphqlWsClient(id, [channelOf(id)]), target, { ...shift, startMs: index * 8_000 }, signal),
        ),
        orders.publishUntil(signal),
      ]
      publishShop(gateway, signal)
      return [{ name: 'the shop', url: front.url }]
    },
    async stop() {
      stopping.abort()
      await within(stopMs, Promise.all([...running, front?.close()]))
    },
  }
}

/** Publishes the messages of the shop. Those that a killed gateway did not confirm are dropped. */
function publishShop(gateway: KillableGateway, signal: AbortSignal): void {
  const publish = (messages: ReturnType<typeof messagesOf>): void => {
    for (const message of messages) void gateway.publish(message)
  }
  let tick = 0
  let pages = 0
  const timer = setInterval(() => {
    publish(messagesOf(tick, new Date()))
    // The first pages fill the buffers of the slow client's connection.
    for (; pages < pagesAt(tick); pages += 1) publish([cataloguePage(pages)])
    tick += 1
  }, tickMs)
  signal.addEventListener('abort', () => clearInterval(timer))
}

/** What to look at first. */
const tour = [
  'The demo runs: a shop with orders, couriers, a slow client, and messages that go wrong.',
  'Open the shop: kill the gateway, cut the network, and count what is lost.',
  'In the console, look first at:',
  '  Overview    what flows from the exchanges to the clients, and whether the sums agree',
  '  Clients     who is slow (tablet-17), and couriers that come and go',
  `  Trace       order-${lostOrder}-created: why it did not reach alice`,
  '  Sources     which orders match no client, and why',
  '  Quarantine  bodies that cannot be read, and a total that is no number',
  'The tour is in docs/guides/demo.md. All of it ends with Ctrl-C, and the next demo begins empty.',
] as const
