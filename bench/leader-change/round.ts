import amqp, { type ChannelModel } from 'amqplib'
import { eventually } from '../../test/support/eventually.ts'
import type { RabbitCluster, RabbitNode } from '../../test/support/rabbitmq/broker.ts'
import { streamReplicas } from '../../test/support/rabbitmq/stream-replicas.ts'
import type { Ending } from './endings.ts'
import { NumberedPublisher } from './numbered-publisher.ts'
import { readNumbers } from './read-stream.ts'
import type { Place, Variant } from './variants.ts'

/** The result of one channel in one round. */
export interface Outcome {
  readonly variant: Variant
  readonly ending: Ending
  readonly confirmed: number
  /** The number of confirmed ones that are missing in the stream. */
  readonly lost: number
  /** The oldest publish in flight was never answered, and later ones were confirmed. */
  readonly sign: boolean
  /** The number of lost ones that are older than the oldest one without an answer. */
  readonly lostBeforeSign: number
  /**
   * The most messages in flight at any time. A leader change cannot harm a channel with nothing in
   * flight.
   */
  readonly mostUnanswered: number
}

/** One publisher for each channel: 200 messages a second. */
const everyMs = 5
/** Confirmed before the leader's node ends, and again after it. */
const confirmedEachSide = 300
/** RabbitMQ answers within some milliseconds. */
const silentMs = 2_000
const patience = { withinMs: 60_000, everyMs: 100 }
const streamArguments = { 'x-queue-type': 'stream', 'x-initial-cluster-size': 3 }

interface Running {
  readonly variant: Variant
  readonly stream: string
  readonly publisher: NumberedPublisher
}

/**
 * All variants publish at once, each on its own channel and to its own stream. One node leads all
 * streams and ends; the channels are connected to another one and stay open.
 */
export async function leaderRound(
  cluster: RabbitCluster,
  round: number,
  ending: Ending,
  variants: readonly Variant[],
): Promise<Outcome[]> {
  const { nodes } = cluster
  const leader = nodes[round % nodes.length] as RabbitNode
  const home = nodes[(round + 1) % nodes.length] as RabbitNode
  const connection = await connect(home)
  try {
    const running: Running[] = []
    for (const [index, variant] of variants.entries()) {
      running.push(await prepare(variant, `leader-change.${round}.${index}`, leader, connection))
    }
    for (const { stream } of running) await ledBy(leader, home, stream)
    await changeLeader(running, leader, home, ending)
    const outcomes: Outcome[] = []
    for (const one of running) outcomes.push(await account(one, ending, connection))
    await cleanUp(running, connection)
    return outcomes
  } finally {
    await connection.close()
  }
}

async function connect(node: RabbitNode): Promise<ChannelModel> {
  const connection = await amqp.connect(node.url(), { noDelay: true, timeout: 5_000 })
  // A lost connection ends the round at the next awaited answer.
  connection.on('error', () => {})
  return connection
}

async function prepare(
  variant: Variant,
  stream: string,
  leader: RabbitNode,
  connection: ChannelModel,
): Promise<Running> {
  const elsewhere = `${stream}.elsewhere`
  const exchange = variant.alsoToQueue ? `${stream}.both` : ''
  await declareAt(leader, stream)
  const channel = await connection.createConfirmChannel()
  await channel.assertQueue(elsewhere)
  if (variant.alsoToQueue) {
    await channel.assertExchange(exchange, 'fanout', { durable: false })
    await channel.bindQueue(stream, exchange, '')
    await channel.bindQueue(elsewhere, exchange, '')
  }
  const declareAgain = async (): Promise<void> => {
    await channel.deleteQueue(stream)
    await declareAt(leader, stream)
  }
  const place: Place = { channel, stream, elsewhere, declareAgain }
  await variant.prepare(place)
  return { variant, stream, publisher: new NumberedPublisher(channel, exchange, stream) }
}

/** RabbitMQ places the leader of a stream on the node where it is declared. */
async function declareAt(node: RabbitNode, stream: string): Promise<void> {
  const connection = await connect(node)
  const channel = await connection.createChannel()
  await channel.assertQueue(stream, { arguments: streamArguments })
  await connection.close()
}

async function ledBy(leader: RabbitNode, via: RabbitNode, stream: string): Promise<void> {
  await eventually(
    `${leader.nodeName} to lead ${stream}, with three replicas`,
    async () => {
      const replicas = await streamReplicas(via, stream)
      return replicas.leader === leader.nodeName && replicas.online.length === 3
    },
    patience,
  )
}

async function changeLeader(
  running: readonly Running[],
  leader: RabbitNode,
  home: RabbitNode,
  ending: Ending,
): Promise<void> {
  const publishers = running.map(({ publisher }) => publisher)
  const all = (what: string, holds: (publisher: NumberedPublisher, index: number) => boolean) =>
    eventually(what, () => publishers.every(holds), patience)
  try {
    for (const publisher of publishers) publisher.start(everyMs)
    await all('confirmations before the end', ({ confirmed }) => confirmed.size >= confirmedEachSide)
    await ending.end(leader)
    const ends = publishers.map(({ published }) => published)
    await all(
      `confirmations after ${ending.name}`,
      ({ newestConfirmed }, index) => newestConfirmed >= (ends[index] ?? 0) + confirmedEachSide,
    )
    for (const { stream } of running) {
      await eventually(
        `another leader of ${stream}`,
        async () => (await streamReplicas(home, stream)).leader !== leader.nodeName,
        patience,
      )
    }
  } finally {
    for (const publisher of publishers) publisher.stop()
  }
  await all('answers', (publisher) => publisher.isSettled(silentMs))
  await ending.undo(leader)
}

async function account(
  { variant, stream, publisher }: Running,
  ending: Ending,
  connection: ChannelModel,
): Promise<Outcome> {
  const held = await readNumbers(connection, stream)
  const { confirmed, oldestUnanswered, mostUnanswered } = publisher
  const lost = [...confirmed].filter((number) => !held.has(number))
  const oldest = oldestUnanswered ?? Number.POSITIVE_INFINITY
  return {
    variant,
    ending,
    confirmed: confirmed.size,
    lost: lost.length,
    sign: publisher.newestConfirmed > oldest,
    lostBeforeSign: lost.filter((number) => number < oldest).length,
    mostUnanswered,
  }
}

async function cleanUp(running: readonly Running[], connection: ChannelModel): Promise<void> {
  const channel = await connection.createChannel()
  for (const { stream, variant } of running) {
    await channel.deleteQueue(stream)
    await channel.deleteQueue(`${stream}.elsewhere`)
    if (variant.alsoToQueue) await channel.deleteExchange(`${stream}.both`)
  }
}
