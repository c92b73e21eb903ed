/** All contestants, and how each is started and subscribed to. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startGateway, testSecret, testToken } from '../test/support/gateway/gateway-process.ts'
import { freePort } from '../test/support/network/ports.ts'
import { locate } from '../test/support/processes/debian-package.ts'
import { newFolder, removeFolder } from '../test/support/processes/run-folder.ts'
import { bareProgram, compiled } from './build.ts'
import type { Contestant, Running, Source, Step } from './contestant.ts'
import { exchange } from './contestants/source.ts'
import { benchPackages } from './debian.ts'
import { pin, startNode, startProgram } from './machine.ts'
import { startNginx } from './nginx.ts'
import type { Broker } from './rabbit/broker.ts'

type BrokerOf = () => Promise<Broker>

async function start(
  name: string,
  source: Source,
  broker: BrokerOf,
  {
    args = [],
    env = {},
    checkout,
    node,
  }: {
    args?: readonly string[]
    env?: Readonly<Record<string, string>>
    checkout?: string | undefined
    node?: string | undefined
  } = {},
) {
  const url = source === 'process' ? 'process' : (await broker()).url
  const started = await startNode(compiled(`contestants/${name}`, checkout), [url, ...args], 'server', env, node)
  const common = { port: started.port, pids: [started.pid], stop: () => started.stop() }
  if (source === 'process') return { ...common, control: started.control }
  const rabbit = await broker()
  return { ...common, control: await rabbit.publisher(exchange), broker: portOf(rabbit) }
}

function portOf({ url }: Broker): number {
  return Number(new URL(url).port)
}

const json = JSON.stringify

function graphql(init: object, operation: string, variables: object = { clientId: 'c{c}' }): Step[] {
  const payload = { query: operation, variables }
  return [
    ['S', json({ type: 'connection_init', payload: init })],
    ['E', 'connection_ack'],
    ['S', json({ type: 'subscribe', id: '{id}', payload })],
    // Answered when the subscription is live.
    ['S', json({ type: 'ping' })],
    ['E', 'pong'],
  ]
}

const onGraphql = {
  path: '/graphql',
  protocol: 'graphql-transport-ws',
  script: (operation: string) => graphql({}, operation),
}

/** Clients have different identities, and may still share encoded results. */
const identities = 1_000

async function warrenTokens(): Promise<string[]> {
  return Promise.all(
    Array.from({ length: identities }, (_, index) =>
      testToken({ sub: `user-${index}`, scope: 'channel:#' }, { ttl: '12h' }),
    ),
  )
}

const warrenOnGraphql = {
  path: '/graphql',
  protocol: 'graphql-transport-ws',
  script: (operation: string) => graphql({ token: '{token}' }, operation),
}

/** `token`: the placeholder of the subscriber's token in its handshake. */
function onSocketCluster(token: string | null) {
  return {
    path: '/socketcluster/',
    script: (): Step[] => [
      ['S', json({ event: '#handshake', data: { authToken: token }, cid: 1 })],
      ['E', '"rid":1'],
      ['S', json({ event: '#subscribe', data: { channel: 'c{c}' }, cid: 2 })],
      ['E', '"rid":2'],
    ],
    ping: ['', ''] as const,
  }
}

/** The messages of the scenarios as a typed field. */
const sdl = (from: string) => `type Subscription {
  event(clientId: ID!): Event @events(exchange: "${from}", routingKey: "client.{clientId}") @allow
}
type Event { mark: String! text: String! @filterable }
`

/** `filter`: a filter in the variables, which every message passes. */
function onTypedField(filter?: object) {
  const operation = filter
    ? 'subscription ($clientId: ID!, $filter: EventFilter) { event(clientId: $clientId, filter: $filter) { mark text } }'
    : 'subscription ($clientId: ID!) { event(clientId: $clientId) { mark text } }'
  const script = () => graphql({ token: '{token}' }, operation, { clientId: 'c{c}', filter })
  return { ...warrenOnGraphql, script, sdl }
}

interface OtherWarren {
  /** A folder with another commit, which is built there. */
  readonly checkout?: string
  /** Another Node.js. */
  readonly node?: string | undefined
}

type WarrenAccess = Pick<Running, 'path' | 'protocol' | 'script' | 'ping'> & {
  readonly sdl?: (exchange: string) => string
}

async function startWarren(
  source: Source,
  broker: BrokerOf,
  { sdl: schema, ...access }: WarrenAccess,
  { parameters = '', checkout, node }: { readonly parameters?: string } & OtherWarren = {},
): Promise<Running> {
  const folder = newFolder()
  const file = join(folder, 'events.graphql')
  // In process the messages have the exchange of the default source, which finds clients for them, too.
  const from = schema && source === 'rabbit' ? 'typed.events' : 'warren.events'
  writeFileSync(file, schema?.(from) ?? '')
  const own: Record<string, string> = schema === undefined ? {} : { WARREN_SCHEMA: file }
  const common = { ...access, tokens: await warrenTokens() }
  const stopping = (end: () => PromiseLike<void>) => async (): Promise<void> => {
    await end()
    removeFolder(folder)
  }
  if (source === 'process') {
    const started = await start('warren', source, broker, {
      checkout,
      node,
      env: {
        WARREN_PORT: String(await freePort()),
        WARREN_OPS_PORT: 'off',
        WARREN_TCP_PORT: 'off',
        WARREN_DATA_DIR: join(folder, 'data'),
        WARREN_JWT_SECRET: testSecret,
        ...own,
      },
    })
    return { ...started, ...common, stop: stopping(() => started.stop()) }
  }
  if (node !== undefined) throw new Error('another Node.js starts Warren in process only, not from RabbitMQ')
  const rabbit = await broker()
  const gateway = await startGateway({
    env: { WARREN_BROKER_URL: rabbit.url + parameters, ...own },
    ...(checkout === undefined ? {} : { checkout }),
  })
  pin(gateway.pid, 'server')
  return {
    ...common,
    port: gateway.port,
    control: await rabbit.publisher(from),
    pids: [gateway.pid],
    broker: portOf(rabbit),
    stop: stopping(() => gateway[Symbol.asyncDispose]()),
  }
}

async function startNchan(source: Source, broker: BrokerOf): Promise<Running> {
  locate(benchPackages.nchan)
  const nginx = await startNginx(locate(benchPackages.nginx))
  // A publisher into nginx is not part of nginx; with RabbitMQ it is a part that a user has to run.
  const bridge = await start('nchan', source, broker, { args: [String(nginx.port)] })
  const [bridgePid = 0] = bridge.pids
  if (source === 'process') pin(bridgePid, 'load')
  return {
    port: nginx.port,
    control: bridge.control,
    pids: source === 'process' ? nginx.workers : [...nginx.workers, bridgePid],
    path: '/sub?id=c{c}',
    script: () => [],
    async stop() {
      await bridge.stop()
      await nginx.stop()
    },
  }
}

async function startBare(): Promise<Running> {
  const started = await startProgram(bareProgram, [], 'server')
  return { ...started, pids: [started.pid], path: '/?channel=c{c}&id={id}', script: () => [] }
}

async function startWebStomp(_source: Source, broker: BrokerOf): Promise<Running> {
  const node = await broker()
  const connect = 'CONNECT\\naccept-version:1.2\\nhost:/\\nlogin:guest\\npasscode:guest\\nheart-beat:0,0\\n\\n\\0'
  const subscribe = `SUBSCRIBE\\nid:{id}\\ndestination:/exchange/${exchange}/client.c{c}\\nack:auto\\nreceipt:r\\n\\n\\0`
  return {
    port: node.webStompPort,
    control: await node.publisher(exchange),
    pids: [node.pid],
    path: '/ws',
    protocol: 'v12.stomp',
    script: () => [
      ['S', connect],
      ['E', 'CONNECTED'],
      ['S', subscribe],
      ['E', 'RECEIPT'],
    ],
    async stop() {},
  }
}

const both = ['process', 'rabbit'] as const

export function warrenOf(other: OtherWarren): Pick<Contestant, 'start'> {
  return { start: (source, broker) => startWarren(source, broker, warrenOnGraphql, other) }
}

export const contestants: readonly Contestant[] = [
  {
    name: 'warren',
    title: 'Warren',
    sources: both,
    graphql: true,
    start: (source, broker) => startWarren(source, broker, warrenOnGraphql),
  },
  {
    name: 'warren-socketcluster',
    title: 'Warren, over SocketCluster',
    sources: ['process'],
    graphql: false,
    start: (source, broker) => startWarren(source, broker, onSocketCluster('{token}')),
  },
  {
    name: 'warren-amqplib',
    title: 'Warren, messages read by amqplib',
    sources: ['rabbit'],
    graphql: true,
    start: (source, broker) => startWarren(source, broker, warrenOnGraphql, { parameters: '?reader=amqplib' }),
  },
  {
    name: 'warren-typed',
    title: 'Warren, a typed field',
    sources: both,
    graphql: false,
    start: (source, broker) => startWarren(source, broker, onTypedField()),
  },
  {
    name: 'warren-filters',
    title: 'Warren, a typed field with a filter each',
    sources: ['process'],
    graphql: false,
    start: (source, broker) => startWarren(source, broker, onTypedField({ text: { ne: '{id}' } })),
  },
  {
    name: 'yoga',
    title: 'Yoga + graphql-ws',
    sources: both,
    graphql: true,
    start: async (source, broker) => ({ ...(await start('yoga', source, broker)), ...onGraphql }),
  },
  {
    name: 'mercurius',
    title: 'Mercurius',
    sources: both,
    graphql: true,
    start: async (source, broker) => ({ ...(await start('mercurius', source, broker)), ...onGraphql }),
  },
  {
    name: 'socketcluster',
    title: 'SocketCluster',
    sources: both,
    graphql: false,
    start: async (source, broker) => ({
      ...(await start('socketcluster', source, broker)),
      ...onSocketCluster(null),
    }),
  },
  {
    name: 'socket-io',
    title: 'Socket.IO',
    sources: both,
    graphql: false,
    start: async (source, broker) => ({
      ...(await start('socket-io', source, broker)),
      path: '/socket.io/?EIO=4&transport=websocket',
      script: () => [
        ['E', '"sid"'],
        ['S', '40'],
        ['E', '40{'],
        ['S', '420["join","c{c}"]'],
        ['E', '430['],
      ],
      ping: ['2', '3'],
    }),
  },
  { name: 'web-stomp', title: 'RabbitMQ Web STOMP', sources: ['rabbit'], graphql: false, start: startWebStomp },
  { name: 'nchan', title: 'nginx + nchan (C)', sources: both, graphql: false, start: startNchan },
  {
    name: 'ws-own',
    title: 'bare ws, a string each',
    sources: both,
    graphql: false,
    start: async (source, broker) => ({
      ...(await start('ws', source, broker, { args: ['own'] })),
      path: '/?channel=c{c}&id={id}',
      script: () => [],
    }),
  },
  {
    name: 'ws-prepared',
    title: 'bare ws, one buffer',
    sources: both,
    graphql: false,
    start: async (source, broker) => ({
      ...(await start('ws', source, broker, { args: ['prepared'] })),
      path: '/?channel=c{c}&id={id}',
      script: () => [],
    }),
  },
  {
    name: 'ws-stream',
    title: 'bare ws, amqplib on a stream',
    sources: ['rabbit'],
    graphql: false,
    start: async (source, broker) => ({
      ...(await start('ws', source, broker, { args: ['own', 'stream'] })),
      path: '/?channel=c{c}&id={id}',
      script: () => [],
    }),
  },
  { name: 'bare-c', title: 'bare sockets (C)', sources: ['process'], graphql: false, start: startBare },
]
