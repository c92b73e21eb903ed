import { randomUUID } from 'node:crypto'
import type { Finding } from '../../../core/ports/finding.ts'
import { withDeadline } from '../../../core/timing/deadline.ts'
import { checkExchangeType, exchangeExists } from '../channel/exchange.ts'
import { onChannel } from '../channel/with-channel.ts'
import type { BrokerAddress } from '../connection/address.ts'
import type { ChannelModel } from '../connection/amqp.ts'
import { describeFailure } from '../connection/describe-failure.ts'
import { repliedWith, replyCodes, replyOf } from '../connection/reply-codes.ts'
import { examineReadability } from './check-journal.ts'
import { grantCommand, hasRight, type Names, type Right, rightsOf } from './rights.ts'

/** How long a message of the journal may take to come, in milliseconds. */
const readMs = 4_000
/**
 * How long RabbitMQ may take to answer behind a publication, in milliseconds. An alarm is told at
 * once.
 */
const publishMs = 4_000

/** Questions about rights that are asked at a time, each on a channel of its own. */
const atOnce = 8

/** What a gateway of these names will do on this connection. */
export interface Trial {
  readonly connection: ChannelModel
  readonly address: BrokerAddress
  readonly names: Names
}

/**
 * Whether the user has each right, asked of the names that the gateway uses. Rights that clients
 * need to publish to sources through the gateway are no condition.
 */
export async function examineRights({ connection, address, names }: Trial): Promise<Finding[]> {
  const { namespace, sources } = names
  // For what a binding has on its other side; another for the exchange itself, so that a refusal
  // says whose it is.
  const [events, control, journal] = ['events', 'control', 'journal'].map((name) => `${namespace}.${name}`) as [
    string,
    string,
    string,
  ]
  const holds = (right: Right): Promise<boolean> => {
    if (right.action === 'read') return hasRight(connection, right, journal)
    return hasRight(connection, right, right.name === events ? control : events)
  }
  const missing = await without(rightsOf(names, randomUUID()), holds)
  // An exchange that is there needs no declaration.
  for (const exchange of [names.wsmanagerExchange, names.towsmanagerExchange]) {
    if (await exchangeExists(connection, exchange)) continue
    missing.push(...(await without([{ action: 'configure', kind: 'exchange', name: exchange }], holds)))
  }
  if (missing.length > 0) {
    return [
      {
        check: 'permissions',
        status: 'fail',
        text: `no permission: user "${address.user}" lacks ${listed(missing)}`,
        advice: grantCommand(names, address),
      },
    ]
  }
  const publishing = sources.map((name): Right => ({ action: 'write', kind: 'exchange', name }))
  const unpublishable = (await without(publishing, holds)).map(({ name }) => `"${name}"`)
  const but = unpublishable.length === 0 ? '' : `; clients cannot publish through it to ${unpublishable.join(', ')}`
  return [
    { check: 'permissions', status: 'ok', text: `user "${address.user}" has every right that a gateway needs${but}` },
  ]
}

async function without(rights: readonly Right[], holds: (right: Right) => Promise<boolean>): Promise<Right[]> {
  const missing: Right[] = []
  for (let from = 0; from < rights.length; from += atOnce) {
    const some = rights.slice(from, from + atOnce)
    const held = await Promise.all(some.map(holds))
    missing.push(...some.filter((_right, index) => !held[index]))
  }
  return missing
}

function listed(rights: readonly Right[]): string {
  const actions = [...new Set(rights.map(({ action }) => action))]
  return actions
    .map((action) => {
      const names = rights.filter((right) => right.action === action).map(({ kind, name }) => `${kind} "${name}"`)
      return `${action} on ${names.join(', ')}`
    })
    .join('; ')
}

/**
 * Whether RabbitMQ knows the types of queue that the gateway declares. An exclusive one of them is
 * refused, last.
 */
export async function examineQueueTypes({ connection, address, names }: Trial): Promise<Finding[]> {
  for (const type of ['stream', 'quorum']) {
    try {
      const args = { 'x-queue-type': type }
      await onChannel(connection, (channel) =>
        channel.assertQueue(replicaQueue(names), { durable: true, exclusive: true, arguments: args }),
      )
    } catch (error) {
      if (/invalid property 'exclusive-owner'/.test(replyOf(error)?.text ?? '')) continue
      const advice = `enable all feature flags (rabbitmqctl enable_feature_flag all); Warren needs queues of type ${type}`
      return [{ check: 'streams', status: 'fail', text: describeFailure(error, address), advice }]
    }
  }
  return []
}

/**
 * Whether all queues that are not there yet may be made: as many are, exclusive, at once, and go
 * with the connection.
 */
export async function examineQueueLimit({ connection, address, names }: Trial): Promise<Finding[]> {
  const { namespace } = names
  let needed = 3 // the lock while the journal is made, and two of this replica
  for (const name of ['journal', 'journal.epoch', 'quarantine']) {
    if ((await messagesIn(connection, `${namespace}.${name}`)) === undefined) needed += 1
  }
  try {
    await Promise.all(
      Array.from({ length: needed }, () =>
        onChannel(connection, (channel) =>
          channel.assertQueue(replicaQueue(names), {
            exclusive: true,
            durable: false,
            arguments: { 'x-queue-type': 'classic' },
          }),
        ),
      ),
    )
    return []
  } catch (error) {
    if (replyOf(error) === undefined) throw error
    const text = `${describeFailure(error, address)}; a gateway declares ${needed} more here`
    return [{ check: 'queues', status: 'fail', text }]
  }
}

/** What stands already has to be what the gateway expects; a journal that stands is read. */
export async function examineStanding({ connection, address, names }: Trial): Promise<Finding[]> {
  const { namespace } = names
  const journal = `${namespace}.journal`
  const findings: Finding[] = []
  const advice = 'remove it, or choose another WARREN_NAMESPACE'
  try {
    const held = await messagesIn(connection, journal)
    if (held !== undefined) await demandStream(connection, journal)
    const text = held === undefined ? 'is not there yet: the gateway makes it' : `is a stream of ${held} messages`
    findings.push({ check: 'journal', status: 'ok', text: `"${journal}" ${text}` })
    // On connections of its own, before anything can end this one.
    const unreadable = held ? await examineReadability(address, journal) : []
    if (held && unreadable.length === 0) await readOne(connection, journal)
    const read = held && unreadable.length === 0 ? `, and "${journal}" was read` : ''
    findings.push({ check: 'streams', status: 'ok', text: `RabbitMQ has streams${read}` })
    findings.push(...unreadable)
  } catch (error) {
    findings.push({ check: 'journal', status: 'fail', text: describeFailure(error, address), advice })
  }
  try {
    for (const [name, type] of [
      ['events', 'topic'],
      ['journal', 'direct'],
      ['control', 'topic'],
      ['quarantine', 'fanout'],
      ['room', 'fanout'],
    ] as const) {
      const exchange = `${namespace}.${name}`
      if (await exchangeExists(connection, exchange)) await checkExchangeType(connection, exchange, type)
    }
  } catch (error) {
    findings.push({ check: 'exchange', status: 'fail', text: describeFailure(error, address), advice })
  }
  return findings
}

/**
 * Publishes, to an exchange that is not there. While an alarm lasts, RabbitMQ reads nothing more
 * from a connection that has published, so this one is of no use afterwards.
 */
export async function examinePublishing({ connection, names }: Trial): Promise<Finding[]> {
  const blocked = new Promise<string>((resolve) => connection.once('blocked', resolve))
  const channel = await connection.createChannel()
  channel.on('error', () => undefined)
  channel.publish(replicaQueue(names), '', Buffer.alloc(0))
  const answered = connection.createChannel().then(() => undefined)
  answered.catch(() => undefined)
  let timer: NodeJS.Timeout | undefined
  const silent = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('silent: it does not answer behind a publication'), publishMs)
  })
  try {
    const reason = await Promise.race([blocked, answered, silent])
    if (reason === undefined) return [{ check: 'publishing', status: 'ok', text: 'RabbitMQ takes publications' }]
    return [
      {
        check: 'publishing',
        status: 'fail',
        text: `RabbitMQ takes no publications for now: it is ${reason}`,
        advice: 'rabbitmq-diagnostics alarms tells which node; free memory or disk there',
      },
    ]
  } finally {
    clearTimeout(timer)
  }
}

/** A name as of a queue that each replica has of its own. */
function replicaQueue({ namespace }: Names): string {
  return `${namespace}.control.${randomUUID()}`
}

async function messagesIn(connection: ChannelModel, queue: string): Promise<number | undefined> {
  try {
    return (await onChannel(connection, (channel) => channel.checkQueue(queue))).messageCount
  } catch (error) {
    if (repliedWith(error, replyCodes.notFound)) return undefined
    throw error
  }
}

/**
 * Its arguments can't be read over AMQP; declaring it again is refused with the first that differs.
 */
async function demandStream(connection: ChannelModel, name: string): Promise<void> {
  try {
    await onChannel(connection, (channel) =>
      channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': 'stream' } }),
    )
  } catch (error) {
    if (!/inequivalent arg 'x-(max|stream)-/.test(String(error))) throw error
  }
}

async function readOne(connection: ChannelModel, stream: string): Promise<void> {
  await onChannel(connection, async (channel) => {
    await channel.prefetch(1)
    const received = new Promise<void>((resolve, reject) => {
      channel.on('error', reject)
      channel.consume(stream, () => resolve(), { arguments: { 'x-stream-offset': 'first' } }).catch(reject)
    })
    const late = () => new Error(`a message of the stream "${stream}" did not come within ${readMs / 1000} s`)
    await withDeadline(readMs, received, late)
  })
}
