import type { ClientChannels } from '../../core/clients/client-channels.ts'
import { lastEventsOf } from '../../core/delivery/replay/last-events.ts'
import type { Gateway } from '../../core/gateway.ts'
import { checkClientId } from '../../core/model/channel-event.ts'
import { printCursor } from '../../core/model/cursor.ts'
import type { Identity } from '../../core/model/identity.ts'
import type { OverflowPolicy } from '../../core/model/overflow-policy.ts'
import type { AutoAck } from '../../core/positions/position-options.ts'
import { publicationOf } from '../../core/publishing/to-publication.ts'
import { demand, mayPublish } from '../../core/sessions/authorizer.ts'
import type { Session } from '../../core/sessions/session.ts'
import { badInput, GatewayError } from '../../errors.ts'
import { memberOf } from './packet.ts'
import { TokenRefused } from './refusal.ts'
import type { SocketClusterSubscribeOptions } from './subscription.ts'

/** The connection that a command came on, after its handshake. */
export interface Caller {
  readonly session: Session
  readonly parts: CommandParts
  /** The identity of a client without a token. */
  readonly anonymous: Identity
  isSubscribed(channel: string): boolean
  /** Subscribes. Events are sent only after the returned function was called. */
  subscribe(channel: string, options: SocketClusterSubscribeOptions): () => void
  unsubscribe(channel: string): void
  readonly transmit: (event: string, data?: unknown) => void
  /** `change`: how many bytes were published, or negative, how many are settled. */
  readonly unconfirmed: (change: number) => void
  readonly close: () => void
}

export interface CommandParts {
  readonly gateway: Gateway
  readonly clientChannels: ClientChannels
  readonly namespace: string
  /** Rejects with `UNAUTHENTICATED`. */
  readonly identify: (token: string) => Promise<Identity>
}

export interface Answer {
  readonly data?: unknown
  /** Called when the answer has been sent. */
  readonly afterwards?: () => void
}

export interface Command {
  /** Whether the next commands wait for its end. */
  readonly inTurn: boolean
  run(caller: Caller, data: unknown): Answer | Promise<Answer>
}

/** By event. All other events are unknown. */
export const socketClusterCommands: ReadonlyMap<string, Command> = new Map([
  ['#subscribe', { inTurn: false, run: subscribe }],
  ['#unsubscribe', { inTurn: false, run: unsubscribe }],
  ['#publish', { inTurn: false, run: publish }],
  ['#authenticate', { inTurn: true, run: authenticate }],
  ['#removeAuthToken', { inTurn: false, run: removeAuthToken }],
  ['#disconnect', { inTurn: false, run: disconnect }],
  ['ack', { inTurn: false, run: ack }],
  ['login', { inTurn: true, run: login }],
])

/**
 * Does nothing if the client is subscribed already: old clients subscribe twice after a
 * reconnection.
 */
function subscribe(caller: Caller, data: unknown): Answer {
  const channel = nameOf(data)
  if (caller.isSubscribed(channel)) return {}
  return { afterwards: caller.subscribe(channel, optionsOf(memberOf(data, 'data'))) }
}

function unsubscribe(caller: Caller, data: unknown): Answer {
  caller.unsubscribe(nameOf(data))
  return {}
}

/** The mutation `ack` on this protocol. */
async function ack({ session, parts }: Caller, data: unknown): Promise<Answer> {
  const moved = await parts.gateway.positions.ack(
    session.identity,
    memberOf(data, 'position'),
    memberOf(data, 'cursor'),
  )
  return { data: { moved } }
}

/** Answers when the broker has confirmed the message. */
async function publish({ session, parts, unconfirmed }: Caller, data: unknown): Promise<Answer> {
  // Only `#subscribe` and `#unsubscribe` take the name alone: here the message would be missing.
  if (typeof data === 'string') throw badInput('data', 'expected an object with channel and data, got a string')
  const channel = channelOf(data)
  demand(mayPublish(session.identity), session.identity, 'publish')
  const publication = publicationOf(
    { clientId: channel, data: memberOf(data, 'data') },
    { namespace: parts.namespace, publisher: session.identity.clientId ?? '' },
  )
  const bytes = publication.body.length
  unconfirmed(bytes)
  try {
    await parts.gateway.publishAs(session.identity, publication, session.payer)
  } finally {
    unconfirmed(-bytes)
  }
  return {}
}

/**
 * Changes the identity of the session. An invalid token makes it anonymous, as the clients expect.
 */
async function authenticate(caller: Caller, token: unknown): Promise<Answer> {
  const { session, parts, anonymous, transmit } = caller
  try {
    session.become(typeof token === 'string' && token !== '' ? await parts.identify(token) : anonymous)
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    const refused = new TokenRefused(error)
    if (!refused.refusal.isBadToken) throw refused
    session.become(anonymous)
    transmit('#removeAuthToken')
    throw refused
  }
  return { data: { isAuthenticated: session.identity !== anonymous, authError: null } }
}

function removeAuthToken({ session, anonymous }: Caller): Answer {
  session.become(anonymous)
  return {}
}

/** Clients from before 2019 send this before they close. */
function disconnect({ close }: Caller): Answer {
  close()
  return {}
}

/**
 * The mutation `createClientChannel` on this protocol. As with a login of the stock server, the
 * client gets its token before the answer.
 */
async function login({ session, parts, transmit }: Caller, data: unknown): Promise<Answer> {
  const text = (name: string): string => {
    const value = memberOf(data, name)
    return typeof value === 'string' ? value : ''
  }
  const { client, token } = await parts.clientChannels.create(
    { clientId: text('clientId'), name: text('name'), email: text('email'), password: text('password') },
    { address: session.address, caller: () => Promise.resolve(session.identity) },
  )
  const cursor = printCursor(await parts.gateway.position())
  session.become(await parts.identify(token))
  transmit('#setAuthToken', { token })
  return { data: { channel: client.clientId, clientId: client.clientId, cursor } }
}

function channelOf(data: unknown): string {
  return checkClientId(nameOf(data), 'channel')
}

/** Some clients send the name alone, others an object that contains it. */
function nameOf(data: unknown): string {
  const name = typeof data === 'string' ? data : memberOf(data, 'channel')
  if (typeof name !== 'string' || name === '') throw badInput('channel', 'expected a non-empty string')
  return name
}

/** The session checks the cursor, the policy and the position. */
function optionsOf(data: unknown): SocketClusterSubscribeOptions {
  const after = memberOf(data, 'after')
  const overflow = (memberOf(data, 'overflow') ?? undefined) as OverflowPolicy | undefined
  const cursors = memberOf(data, 'cursors')
  if (after !== undefined && after !== null && typeof after !== 'string')
    throw badInput('data.after', 'expected a cursor')
  return {
    after: after ?? undefined,
    last: lastEventsOf(memberOf(data, 'last'), after, 'data.last'),
    every: memberOf(data, 'every') as string | undefined,
    position: memberOf(data, 'position') as string | undefined,
    autoAck: memberOf(data, 'autoAck') as AutoAck | undefined,
    overflow,
    cursors: cursors === true,
  }
}
