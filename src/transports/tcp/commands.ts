import { toDate } from '../../core/body/to-date.ts'
import type { ClientChannels } from '../../core/clients/client-channels.ts'
import { lastEventsOf } from '../../core/delivery/replay/last-events.ts'
import type { Gateway } from '../../core/gateway.ts'
import { printCursor } from '../../core/model/cursor.ts'
import { hasToken, type Identity, printScope } from '../../core/model/identity.ts'
import { overflowPolicyOf } from '../../core/model/overflow-policy.ts'
import type { AutoAck } from '../../core/positions/position-options.ts'
import { type PublishRequest, publicationOf } from '../../core/publishing/to-publication.ts'
import { demand, mayPublish } from '../../core/sessions/authorizer.ts'
import type { Session } from '../../core/sessions/session.ts'
import { badInput } from '../../errors.ts'
import type { ServedSchema } from '../../events/serving/served-schema.ts'
import { type SubscribedByName, subscribeByName } from '../flow/subscribe-by-name.ts'

/** What a command uses of its connection. */
export interface CommandContext {
  readonly gateway: Gateway
  readonly clientChannels: ClientChannels
  readonly namespace: string
  readonly session: Session
  readonly authenticate: (token: string) => Promise<Identity>
  /** By channel: a connection has at most one subscription to each. */
  readonly subscriptions: Map<string, SubscribedByName>
  readonly served: ServedSchema
}

type Request = Readonly<Record<string, unknown>>

/**
 * Resolves with the `result` of the answer. A rejection with a `GatewayError` becomes its `error`.
 */
type Command = (context: CommandContext, request: Request) => Promise<unknown>

export const tcpCommands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['authenticate', authenticate],
  ['subscribe', subscribe],
  ['unsubscribe', unsubscribe],
  ['ack', ack],
  ['publish', publish],
  ['search', search],
])

/** Sets the identity of the connection. A client may send a newer token at any time. */
async function authenticate({ authenticate, session }: CommandContext, request: Request): Promise<unknown> {
  const identity = await authenticate(text(request, 'token'))
  if (!hasToken(identity)) throw badInput('token', 'expected a token with a client id or a scope')
  session.renew(identity)
  const { clientId, scope, expiresAt } = identity
  return { clientId: clientId ?? null, scope: printScope(scope), expiresAt: toDate(expiresAt?.getTime()) }
}

async function subscribe({ session, subscriptions, served }: CommandContext, request: Request): Promise<unknown> {
  const channel = text(request, 'channel')
  if (subscriptions.has(channel)) throw badInput('channel', `this connection has already subscribed to "${channel}"`)
  const subscribed = subscribeByName(
    session,
    served,
    channel,
    {
      after: optionalText(request, 'after'),
      last: lastEventsOf(request['last'], request['after']),
      every: optionalText(request, 'every'),
      position: optionalText(request, 'position'),
      autoAck: optionalText(request, 'autoAck') as AutoAck | undefined,
      checkpoints: request['checkpoints'] === true,
      overflow: overflowPolicyOf(optionalText(request, 'overflow')),
    },
    () => subscriptions.delete(channel),
  )
  subscriptions.set(channel, subscribed)
  return { channel }
}

async function unsubscribe({ subscriptions }: CommandContext, request: Request): Promise<unknown> {
  const channel = text(request, 'channel')
  const subscription = subscriptions.get(channel)?.subscription
  if (!subscription) throw badInput('channel', `this connection has not subscribed to "${channel}"`)
  await subscription.return()
  // The position from which a later `subscribe` can resume.
  return { channel, cursor: subscription.lastTaken ? printCursor(subscription.lastTaken.cursor) : null }
}

/** The mutation `ack` on this protocol. */
async function ack({ session, gateway }: CommandContext, request: Request): Promise<unknown> {
  return { moved: await gateway.positions.ack(session.identity, request['position'], request['cursor']) }
}

/** Resolves when `Gateway.publish` does. */
async function publish({ session, gateway, namespace }: CommandContext, request: Request): Promise<unknown> {
  demand(mayPublish(session.identity), session.identity, 'publish')
  if (!('data' in request)) throw badInput('data', 'expected the value to publish (null is allowed)')
  const publishRequest: PublishRequest = {
    clientId: optionalText(request, 'channel'),
    exchange: optionalText(request, 'exchange'),
    routingKey: optionalText(request, 'routingKey'),
    type: optionalText(request, 'type'),
    messageId: optionalText(request, 'messageId'),
    idempotencyKey: optionalText(request, 'idempotencyKey'),
    headers: request['headers'],
    data: request['data'],
  }
  const publication = publicationOf(publishRequest, { namespace, publisher: session.identity.clientId ?? '' })
  await gateway.publishAs(session.identity, publication, session.payer)
  return { messageId: publication.messageId }
}

/**
 * Searches the channels that clients have created by a part of the name. Finds only channels that
 * the caller may subscribe to.
 */
async function search({ clientChannels, session }: CommandContext, request: Request): Promise<unknown> {
  const value = request['value'] ?? ''
  if (typeof value !== 'string') throw badInput('value', 'expected a string')
  return clientChannels.search(value, session.identity)
}

function text(request: Request, field: string): string {
  const value = request[field]
  if (typeof value !== 'string' || value === '') throw badInput(field, 'expected a non-empty string')
  return value
}

function optionalText(request: Request, field: string): string | undefined {
  const value = request[field]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw badInput(field, 'expected a string')
  return value
}
