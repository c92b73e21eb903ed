import { onChannel } from '../channel/with-channel.ts'
import type { ChannelModel } from '../connection/amqp.ts'
import { repliedWith, replyCodes, replyOf } from '../connection/reply-codes.ts'

/** What a user may do with one name. https://www.rabbitmq.com/docs/access-control#authorisation */
export interface Right {
  readonly action: 'configure' | 'write' | 'read'
  readonly kind: 'queue' | 'exchange'
  readonly name: string
}

/** Bound nowhere, so that unbinding it changes nothing. */
const unusedKey = 'warren asks for its rights'

/**
 * Rejects with RabbitMQ's refusal (403) where the user may not publish to the exchange. Publishes
 * nothing.
 */
export async function demandWrite(connection: ChannelModel, exchange: string): Promise<void> {
  await onChannel(connection, (channel) => channel.unbindExchange(exchange, exchange, unusedKey))
}

/**
 * Whether the user has a right. RabbitMQ looks at rights before anything else, so each question is
 * an operation that changes nothing whatever the answer is: a declaration with an argument of the
 * wrong type, which is refused (406); the removal of a binding that is not there; a consumer with
 * an invalid priority. The names need not exist.
 *
 * Taking a binding away needs two rights; `beside` is the name of the other side. Where the other
 * right is missing as well, RabbitMQ does not say anything about a read right, and the answer is
 * true.
 */
export async function hasRight(connection: ChannelModel, right: Right, beside: string): Promise<boolean> {
  try {
    await onChannel(connection, async (channel): Promise<unknown> => {
      const { action, kind, name } = right
      if (action === 'configure') {
        return kind === 'queue'
          ? channel.assertQueue(name, { durable: true, arguments: { 'x-dead-letter-exchange': 0 } })
          : channel.assertExchange(name, 'topic', { durable: true, arguments: { 'alternate-exchange': 0 } })
      }
      if (action === 'write') {
        return kind === 'queue'
          ? channel.unbindQueue(name, beside, unusedKey)
          : channel.unbindExchange(name, beside, unusedKey)
      }
      return kind === 'queue'
        ? channel.consume(name, () => undefined, { arguments: { 'x-priority': 'none' } })
        : channel.unbindQueue(beside, name, unusedKey)
    })
    return true
  } catch (error) {
    if (replyOf(error) === undefined) throw error
    if (!repliedWith(error, replyCodes.accessRefused)) return true
    const [, kind, name] = /access to (queue|exchange) '(.*)' in vhost/s.exec(replyOf(error)?.text ?? '') ?? []
    return kind !== undefined && (kind !== right.kind || name !== right.name)
  }
}

export interface Names {
  readonly namespace: string
  /**
   * Fanout exchanges of the plain WebSocket manager: where its clients' frames go, and where
   * answers come from.
   */
  readonly wsmanagerExchange: string
  readonly towsmanagerExchange: string
  /** Exchanges of sources. */
  readonly sources: readonly string[]
}

/**
 * Every right that a gateway needs. `id` stands for what is new in the names of queues that each
 * replica has of its own.
 */
export function rightsOf({ namespace, wsmanagerExchange, towsmanagerExchange, sources }: Names, id: string): Right[] {
  const own = (name: string): string => `${namespace}.${name}`
  const exchanges = ['journal', 'events', 'control', 'quarantine', 'room'].map(own)
  const queues = ['journal', 'journal.epoch', 'quarantine', `control.${id}`, `room.${id}`].map(own)
  const all = (action: Right['action'], kind: Right['kind'], names: readonly string[]): Right[] =>
    [...new Set(names)].map((name) => ({ action, kind, name }))
  return [
    ...all('configure', 'exchange', exchanges),
    ...all('configure', 'queue', [...queues, own('journal.lock')]),
    ...all('write', 'exchange', [...exchanges, wsmanagerExchange]),
    ...all('write', 'queue', queues),
    ...all('read', 'exchange', [...exchanges, towsmanagerExchange, ...sources]),
    ...all('read', 'queue', queues),
  ]
}

/** The command that grants the least rights that a gateway works with. */
export function grantCommand(
  names: Names,
  { user, virtualHost }: { readonly user: string; readonly virtualHost: string },
): string {
  const { namespace, wsmanagerExchange, towsmanagerExchange, sources } = names
  const literally = (name: string): string => name.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  const pattern = (...more: readonly string[]): string => {
    const others = [...new Set(more)].filter((name) => !name.startsWith(`${namespace}.`)).map(literally)
    return `^(${[`${literally(namespace)}\\..+`, ...others].join('|')})$`
  }
  const patterns = [
    pattern(wsmanagerExchange, towsmanagerExchange),
    pattern(wsmanagerExchange),
    pattern(towsmanagerExchange, ...sources),
  ]
  return ['rabbitmqctl set_permissions -p', ...[virtualHost, user, ...patterns].map(quoted)].join(' ')
}

/** For a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
