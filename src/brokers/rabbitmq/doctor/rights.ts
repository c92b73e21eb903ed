import { onChannel } from '../channel/with-channel.ts'
import type { ChannelModel } from '../connection/amqp.ts'
import { repliedWith, replyCodes, replyOf } from '../connection/reply-codes.ts'

/**
 * A permission of a user on one name. https://www.rabbitmq.com/docs/access-control#authorisation
 */
export interface Right {
  readonly action: 'configure' | 'write' | 'read'
  readonly kind: 'queue' | 'exchange'
  readonly name: string
}

/** Never bound, so unbinding it changes nothing. */
const unusedKey = 'warren checks its rights'

/**
 * Rejects with RabbitMQ's refusal (403) if the user may not publish to the exchange. Publishes
 * nothing.
 */
export async function requireWrite(connection: ChannelModel, exchange: string): Promise<void> {
  await onChannel(connection, (channel) => channel.unbindExchange(exchange, exchange, unusedKey))
}

/**
 * Whether the user has a permission. RabbitMQ checks permissions before anything else, so each
 * check is an operation that changes nothing in either case. It is a declare with an argument of
 * the wrong type, which is refused (406), an unbind of a missing binding, or a consume with an
 * invalid priority. The names need not exist.
 *
 * An unbind needs two permissions; `otherSide` is the name on the other side. If that permission is
 * missing too, RabbitMQ does not report on a read permission, and the result is true.
 */
export async function hasRight(connection: ChannelModel, right: Right, otherSide: string): Promise<boolean> {
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
          ? channel.unbindQueue(name, otherSide, unusedKey)
          : channel.unbindExchange(name, otherSide, unusedKey)
      }
      return kind === 'queue'
        ? channel.consume(name, () => undefined, { arguments: { 'x-priority': 'none' } })
        : channel.unbindQueue(otherSide, name, unusedKey)
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
   * Fanout exchanges of the plain WebSocket manager: the first receives its clients' frames, the
   * second carries the answers.
   */
  readonly wsmanagerExchange: string
  readonly towsmanagerExchange: string
  /** Exchanges of sources. */
  readonly sources: readonly string[]
  /** Exchanges that back ends bind queues to. */
  readonly hooks: readonly string[]
}

/**
 * Every permission that a gateway needs. `id` stands for the random part in the names of each
 * replica's own queues.
 */
export function rightsOf(names: Names, id: string): Right[] {
  const { namespace, wsmanagerExchange, towsmanagerExchange, sources, hooks } = names
  const own = (name: string): string => `${namespace}.${name}`
  const exchanges = ['journal', 'events', 'control', 'quarantine', 'room'].map(own)
  const queues = ['journal', 'journal.epoch', 'quarantine', `control.${id}`, `room.${id}`].map(own)
  const all = (action: Right['action'], kind: Right['kind'], of: readonly string[]): Right[] =>
    [...new Set(of)].map((name) => ({ action, kind, name }))
  return [
    ...all('configure', 'exchange', [...exchanges, ...hooks]),
    ...all('configure', 'queue', [...queues, own('journal.lock')]),
    ...all('write', 'exchange', [...exchanges, ...hooks, wsmanagerExchange]),
    ...all('write', 'queue', queues),
    ...all('read', 'exchange', [...exchanges, towsmanagerExchange, ...sources]),
    ...all('read', 'queue', queues),
  ]
}

/** The command that grants the minimal permissions for a gateway. */
export function grantCommand(
  names: Names,
  { user, virtualHost }: { readonly user: string; readonly virtualHost: string },
): string {
  const { namespace, wsmanagerExchange, towsmanagerExchange, sources } = names
  const escapeRegExp = (name: string): string => name.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  const pattern = (...more: readonly string[]): string => {
    const others = [...new Set(more)].filter((name) => !name.startsWith(`${namespace}.`)).map(escapeRegExp)
    return `^(${[`${escapeRegExp(namespace)}\\..+`, ...others].join('|')})$`
  }
  const patterns = [
    pattern(wsmanagerExchange, towsmanagerExchange),
    pattern(wsmanagerExchange),
    pattern(towsmanagerExchange, ...sources),
  ]
  return ['rabbitmqctl set_permissions -p', ...[virtualHost, user, ...patterns].map(quoted)].join(' ')
}

/** Quotes for a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
