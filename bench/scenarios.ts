import { type ContestantName, contestantNames, type Source } from './contestant.ts'

export type Mode = 'closed' | 'rate' | 'tail' | 'idle' | 'connects' | 'churn'

export interface Scenario {
  readonly name: string
  readonly title: string
  readonly source: Source
  readonly mode: Mode
  /** The contestants of a run without a selection. */
  readonly contestants: readonly ContestantName[]
  readonly connections: number
  /** In mode `tail` there may be more channels than connections: the others have no subscriber. */
  readonly channels: number
  /** The size of a message's body. */
  readonly bytes: number
  /** Messages in flight at once; the next is published when one has reached all its subscribers. */
  readonly window?: number
  /** Messages published in one turn of the source's event loop. */
  readonly burst?: number
  /** Messages a second, instead of a window. */
  readonly rate?: number
  readonly operations?: number
  /** What the operation on a channel selects; `data` if it is not given. */
  readonly selection?: string
  /** Subscribers that stop reading before the first message. */
  readonly stalled?: number
  readonly measureMs?: number
}

const general = contestantNames.filter(
  (name) => !['warren-socketcluster', 'warren-amqplib', 'warren-typed', 'warren-filters', 'ws-stream'].includes(name),
)
const inProcess = general.filter((name) => name !== 'web-stomp')
const fromRabbit = general.filter((name) => name !== 'bare-c')
/** A result of a typed field always has the cursor of the event, so the channel beside it has, too. */
const withCursor = 'cursor data'
const graphql = ['warren', 'yoga', 'mercurius'] as const

function fanOut(more: Partial<Scenario> & Pick<Scenario, 'name' | 'title'>): Scenario {
  const base = { source: 'process', mode: 'closed', connections: 1_000, channels: 1, bytes: 200, window: 1 } as const
  return { ...base, contestants: more.source === 'rabbit' ? fromRabbit : inProcess, ...more }
}

/**
 * One channel for each subscriber: as many messages in flight as do not put two of them on one
 * connection.
 */
function oneEach(more: Partial<Scenario> & Pick<Scenario, 'name' | 'title'>): Scenario {
  return fanOut({ connections: 1_000, channels: 1_000, window: 256, burst: 64, ...more })
}

/**
 * What a replica takes from a stream, 1,000 channels in turn. `connections` of them have a
 * subscriber. The generator knows from its messages how far the replica has read.
 */
function tail(more: Pick<Scenario, 'name' | 'title' | 'connections'>): Scenario {
  return {
    source: 'rabbit',
    mode: 'tail',
    channels: 1_000,
    bytes: 200,
    window: 8_000,
    burst: 250,
    contestants: ['warren', 'ws-stream'],
    ...more,
  }
}

export const scenarios: readonly Scenario[] = [
  fanOut({ name: 'fan-out', title: 'one channel × 1,000' }),
  fanOut({ name: 'fan-out-10k', title: 'one channel × 10,000', connections: 10_000 }),
  fanOut({ name: 'fan-out-2k', title: 'one channel × 1,000, 2 KiB', bytes: 2_048 }),
  fanOut({
    name: 'generator',
    title: 'what the generator takes: bare C, 32 events in one write',
    window: 32,
    burst: 32,
    contestants: ['bare-c'],
  }),
  fanOut({
    name: 'socketcluster',
    title: 'SocketCluster, one channel × 1,000',
    contestants: ['warren-socketcluster', 'socketcluster'],
  }),
  fanOut({ name: 'mix', title: 'one channel × 1,000, ten operations', operations: 10, contestants: graphql }),
  fanOut({
    name: 'typed-fan-out',
    title: 'a typed field beside a channel with its cursor, one × 1,000',
    selection: withCursor,
    contestants: ['warren', 'warren-typed', 'warren-filters'],
  }),
  oneEach({
    name: 'typed-each',
    title: 'RabbitMQ, a typed field beside channels with their cursors, 1,000 arguments × 1',
    selection: withCursor,
    source: 'rabbit',
    contestants: ['warren', 'warren-typed'],
  }),
  fanOut({ name: 'four', title: 'one channel × 1,000, four events in one turn', window: 4, burst: 4 }),
  oneEach({ name: 'each', title: '1,000 channels × 1' }),
  oneEach({ name: 'each-10k', title: '10,000 channels × 1', connections: 10_000, channels: 10_000 }),
  oneEach({ name: 'each-2k', title: '1,000 channels × 1, 2 KiB', bytes: 2_048 }),
  oneEach({ name: 'each-16k', title: '1,000 channels × 1, 16 KiB', bytes: 16_384 }),
  fanOut({ name: 'rabbit-fan-out', title: 'RabbitMQ, one channel × 1,000', source: 'rabbit' }),
  fanOut({ name: 'rabbit-32', title: 'RabbitMQ, one channel × 1,000, 32 in flight', source: 'rabbit', window: 32 }),
  fanOut({ name: 'rabbit-fan-out-2k', title: 'RabbitMQ, one channel × 1,000, 2 KiB', source: 'rabbit', bytes: 2_048 }),
  oneEach({ name: 'rabbit-each', title: 'RabbitMQ, 1,000 channels × 1', source: 'rabbit' }),
  oneEach({ name: 'rabbit-each-2k', title: 'RabbitMQ, 1,000 channels × 1, 2 KiB', source: 'rabbit', bytes: 2_048 }),
  tail({ name: 'tail-none', title: 'a stream of 1,000 channels, nobody subscribes (but to one)', connections: 1 }),
  tail({ name: 'tail-some', title: 'a stream of 1,000 channels, 1 % have a subscriber', connections: 10 }),
  tail({ name: 'tail-all', title: 'a stream of 1,000 channels, each with a subscriber', connections: 1_000 }),
  oneEach({
    name: 'reader',
    title: 'RabbitMQ, 1,000 channels × 1, with two readers of messages',
    source: 'rabbit',
    contestants: ['warren', 'warren-amqplib'],
  }),
  oneEach({
    name: 'latency',
    title: 'RabbitMQ, 500 messages a second to 100 channels × 1',
    source: 'rabbit',
    mode: 'rate',
    rate: 500,
    burst: 1,
    connections: 100,
    channels: 100,
    measureMs: 15_000,
  }),
  oneEach({ name: 'idle', title: '5,000 idle connections', mode: 'idle', connections: 5_000, channels: 5_000 }),
  oneEach({
    name: 'connects',
    title: 'connect, init, subscribe',
    mode: 'connects',
    connections: 15_000,
    channels: 15_000,
    contestants: inProcess.filter((name) => name !== 'bare-c'),
  }),
  oneEach({
    name: 'churn',
    title: 'memory after 100,000 connects',
    mode: 'churn',
    connections: 100_000,
    channels: 100,
    contestants: ['warren'],
  }),
  fanOut({
    name: 'stalled',
    title: 'one stalled subscriber among 20 fast ones, 500 messages of 2 KiB a second',
    mode: 'rate',
    rate: 500,
    connections: 21,
    bytes: 2_048,
    stalled: 1,
    measureMs: 20_000,
    contestants: inProcess.filter((name) => name !== 'bare-c'),
  }),
]
