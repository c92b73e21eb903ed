import { randomUUID } from 'node:crypto'
import type { Finding } from '../../../core/ports/finding.ts'
import { withDeadline } from '../../../core/timing/deadline.ts'
import { checkExchangeType, exchangeExists } from '../channel/exchange.ts'
import { onChannel } from '../channel/with-channel.ts'
import type { BrokerAddress } from '../connection/address.ts'
import type { ChannelModel } from '../connection/amqp.ts'
import { describeFailure } from '../connection/describe-failure.ts'
import { repliedWith, replyCodes, replyOf } from '../connection/reply-codes.ts'
import { checkReadability } from './check-journal.ts'
import { grantCommand, hasRight, type Names, type Right, rightsOf } from './rights.ts'

/** How long a message of the journal may take to arrive, in milliseconds. */
const readMs = 4_000
/**
 * How long RabbitMQ may take to answer after a publish, in milliseconds. It announces an alarm at
 * once.
 */
const publishMs = 4_000

/** How many permissions are checked at a time, each on its own channel. */
const atOnce = 8

/** The connection to check, and the names that a gateway will use on it. */
export interface Trial {
  readonly connection: ChannelModel
  readonly address: BrokerAddress
  readonly names: Names
}

/**
 * Checks each permission on the names that the gateway uses. Permissions that clients need to
 * publish to sources through the gateway are optional.
 */
export async function checkRights({ connection, address, names }: Trial): Promise<Finding[]> {
  const { namespace, sources } = names
  // The name on the other side of a binding. For the exchange itself it is another one, so that a
  // refusal names the exchange it is about.
  const [events, control, journal] = ['events', 'control', 'journal'].map((name) => `${namespace}.${name}`) as [
    string,
    string,
    string,
  ]
  const userHas = (right: Right): Promise<boolean> => {
    if (right.action === 'read') return hasRight(connection, right, journal)
    return hasRight(connection, right, right.name === events ? control : events)
  }
  const missing = await missingOf(rightsOf(names, randomUUID()), userHas)
  // An existing exchange needs no declare.
  for (const exchange of [names.wsmanagerExchange, names.towsmanagerExchange]) {
    if (await exchangeExists(connection, exchange)) continue
    missing.push(...(await missingOf([{ action: 'configure', kind: 'exchange', name: exchange }], userHas)))
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
  const unpublishable = (await missingOf(publishing, userHas)).map(({ name }) => `"${name}"`)
  const exceptions =
    unpublishable.length === 0 ? '' : `; clients cannot publish through it to ${unpublishable.join(', ')}`
  return [
    {
      check: 'permissions',
      status: 'ok',
      text: `user "${address.user}" has every right that a gateway needs${exceptions}`,
    },
  ]
}

async function missingOf(rights: readonly Right[], userHas: (right: Right) => Promise<boolean>): Promise<Right[]> {
  const missing: Right[] = []
  for (let from = 0; from < rights.length; from += atOnce) {
    const some = rights.slice(from, from + atOnce)
    const held = await Promise.all(some.map(userHas))
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
 * Checks that RabbitMQ knows the queue types that the gateway declares. An exclusive queue of such
 * a type is refused only after the type was accepted.
 */
export async function checkQueueTypes({ connection, address, names }: Trial): Promise<Finding[]> {
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
 * Checks that all missing queues may be declared. It declares as many exclusive queues at once, and
 * RabbitMQ deletes them with the connection.
 */
export async function checkQueueLimit({ connection, address, names }: Trial): Promise<Finding[]> {
  const { namespace } = names
  let needed = 3 // the lock while the journal is declared, and two queues of this replica
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

/** Checks that existing objects are what the gateway expects, and reads an existing journal. */
export async function checkExisting({ connection, address, names }: Trial): Promise<Finding[]> {
  const { namespace } = names
  const journal = `${namespace}.journal`
  const findings: Finding[] = []
  const advice = 'delete it, or set another WARREN_NAMESPACE'
  try {
    const held = await messagesIn(connection, journal)
    if (held !== undefined) await requireStream(connection, journal)
    const text = held === undefined ? 'does not exist yet: the gateway declares it' : `is a stream of ${held} messages`
    findings.push({ check: 'journal', status: 'ok', text: `"${journal}" ${text}` })
    // On its own connections, before any check can end this one.
    const unreadable = held ? await checkReadability(address, journal) : []
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
    for (const hook of names.hooks)
      if (await exchangeExists(connection, hook)) await checkExchangeType(connection, hook, 'topic')
  } catch (error) {
    findings.push({ check: 'exchange', status: 'fail', text: describeFailure(error, address), advice })
  }
  return findings
}

/**
 * Publishes to a missing exchange. During an alarm RabbitMQ stops reading from a connection that
 * has published, so the connection is unusable afterwards.
 */
export async function checkPublishing({ connection, names }: Trial): Promise<Finding[]> {
  const blocked = new Promise<string>((resolve) => connection.once('blocked', resolve))
  const channel = await connection.createChannel()
  channel.on('error', () => undefined)
  channel.publish(replicaQueue(names), '', Buffer.alloc(0))
  const answered = connection.createChannel().then(() => undefined)
  answered.catch(() => undefined)
  let timer: NodeJS.Timeout | undefined
  const silent = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('silent: it does not answer after a publish'), publishMs)
  })
  try {
    const reason = await Promise.race([blocked, answered, silent])
    if (reason === undefined) return [{ check: 'publishing', status: 'ok', text: 'RabbitMQ accepts publishes' }]
    return [
      {
        check: 'publishing',
        status: 'fail',
        text: `RabbitMQ does not accept publishes for now: it is ${reason}`,
        advice: 'find the node with rabbitmq-diagnostics alarms; free memory or disk space there',
      },
    ]
  } finally {
    clearTimeout(timer)
  }
}

/** A name like those of the queues that each replica has. */
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
 * AMQP cannot read a queue's arguments. Declaring it again is refused with the first argument that
 * differs.
 */
async function requireStream(connection: ChannelModel, name: string): Promise<void> {
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
    const late = () => new Error(`no message of the stream "${stream}" arrived within ${readMs / 1000} s`)
    await withDeadline(readMs, received, late)
  })
}
