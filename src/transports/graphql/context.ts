import type { IncomingMessage, ServerResponse } from 'node:http'
import type { YogaInitialContext } from 'graphql-yoga'
import type { Credentials } from '../../auth/authenticate.ts'
import type { ClientChannels } from '../../core/clients/client-channels.ts'
import type { ChannelSubscription } from '../../core/delivery/channel-subscription.ts'
import type { Gateway } from '../../core/gateway.ts'
import { anonymous, type Identity, isKnown } from '../../core/model/identity.ts'
import type { OperationPages, PageLimit } from '../../core/sessions/page-limits.ts'
import type { Session } from '../../core/sessions/session.ts'
import { badInput, GatewayError } from '../../errors.ts'
import type { Context, Settings } from '../../graphql/context.ts'
import { gatewayError } from '../../graphql/mask-error.ts'
import { acceptedOn } from '../flow/accepted-sockets.ts'
import { names } from '../http/media-types.ts'
import { addressOf } from '../http/peer-address.ts'
import type { Streamed, StreamedOf } from './sse.ts'

export interface GraphQLParts {
  readonly gateway: Gateway
  readonly clientChannels: ClientChannels
  readonly settings: Settings
  readonly pages: PageLimit
  readonly authenticate: (credentials: Credentials) => Promise<Identity>
}

/** What a WebSocket adds to an operation: the session of its socket. */
export interface SocketContext {
  readonly session: Session
  /** Told of the feed that the operation opens, where it is a subscription. */
  readonly onFeed: (subscription: ChannelSubscription) => void
  /** Closed by whoever sends the answer. */
  readonly pages: OperationPages
}

/** What the adapter of node:http adds to a request. */
interface NodeContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
}

/**
 * Makes an operation's context: over WebSocket within the session of the socket, over HTTP with an
 * identity of its own.
 */
export function contextFactory(
  parts: GraphQLParts,
  streamedOf: StreamedOf,
): (initial: YogaInitialContext & Partial<SocketContext> & Partial<NodeContext>) => Promise<Context> {
  return async ({ request, params, session, onFeed, pages, req, res }) => {
    const { extensions } = params ?? {}
    const given: Credentials = {
      authorization: session || !request ? undefined : bearerOf(request),
      extensionsHeaders: extensions?.['headers'],
    }
    const own = await identify(parts, given, session)
    const identity = own ?? session?.identity ?? anonymous
    return {
      gateway: parts.gateway,
      clientChannels: parts.clientChannels,
      settings: parts.settings,
      pages: pages ?? pagesUntilAnswered(parts.pages, res),
      identity,
      address: session?.address ?? addressOf(req, parts.settings.proxyHops),
      subscribe: (options) => {
        if (session) {
          const subscription = session.subscribe(own ? { ...options, as: own } : options)
          onFeed?.(subscription)
          return subscription
        }
        // An SSE response is a session by itself.
        let streamed: Streamed | undefined
        const alone = openUnlessDraining(res, () =>
          parts.gateway.openSession({
            identity,
            address: addressOf(req, parts.settings.proxyHops),
            transport: 'sse',
            on: req && acceptedOn(req.socket),
            onClose: (reason) => {
              if (streamed) streamed.endedFor = reason
            },
          }),
        )
        try {
          // An EventSource that reconnects repeats its URL, and says in this header how far it
          // came.
          const lastEventId = request?.headers.get('last-event-id') ?? null
          const subscription = alone.subscribe({ ...options, after: lastEventId ?? options.after }, () =>
            alone.end('client'),
          )
          streamed = { subscription, session: alone }
          onFeed?.(subscription)
          if (request) streamedOf.set(request, streamed)
          if (res) endWith(res, alone)
          return subscription
        } catch (error) {
          alone.end('client')
          throw error
        }
      },
      renewSession: (token) => renew(parts, session, token),
    }
  }
}

/** The context of a socket's operations that bring no credentials of their own. */
export class SessionContext implements Context {
  readonly #parts: GraphQLParts
  readonly #session: Session

  constructor(parts: GraphQLParts, session: Session) {
    this.#parts = parts
    this.#session = session
  }

  get gateway(): Gateway {
    return this.#parts.gateway
  }

  get clientChannels(): ClientChannels {
    return this.#parts.clientChannels
  }

  get settings(): Settings {
    return this.#parts.settings
  }

  /** Nobody reads history with it: its operations are subscriptions. */
  get pages(): OperationPages {
    return this.#parts.pages.open()
  }

  get identity(): Identity {
    return this.#session.identity
  }

  get address(): string {
    return this.#session.address
  }

  subscribe(options: Parameters<Session['subscribe']>[0]): ChannelSubscription {
    return this.#session.subscribe(options)
  }

  renewSession(token: string): Promise<Identity> {
    return renew(this.#parts, this.#session, token)
  }
}

/**
 * A response with an error, of whatever status, keeps an EventSource away for good; a connection
 * that breaks brings it back.
 */
function openUnlessDraining(response: ServerResponse | undefined, open: () => Session): Session {
  try {
    return open()
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'DRAINING') response?.destroy()
    throw error
  }
}

/** What is read for a response is held until the client has taken it, or is gone. */
function pagesUntilAnswered(all: PageLimit, response: ServerResponse | undefined): OperationPages {
  const pages = all.open()
  if (response?.destroyed) pages.close()
  else response?.once('close', () => pages.close())
  return pages
}

/**
 * However far Yoga has come: what it makes for a request that was aborted meanwhile is dropped, and
 * nobody tells the subscription.
 */
function endWith(response: ServerResponse, session: Session): void {
  if (response.destroyed) session.end('client')
  else response.once('close', () => session.end('client'))
}

/** The header `Authorization`, or what stands in its place. */
export function bearerOf(request: Request): string | undefined {
  return request.headers.get('authorization') ?? tokenInUrl(request)
}

/**
 * `?token=` of a GET that asks for server-sent events, and of nothing else: a browser's EventSource
 * cannot send headers. URLs end up in the logs of proxies, so the docs say to use a token that is
 * short-lived and may do no more than listen.
 */
function tokenInUrl({ method, headers, url }: Request): string | undefined {
  if (method !== 'GET' || !names(headers.get('accept') ?? undefined, 'text/event-stream')) return undefined
  const token = new URL(url).searchParams.get('token')
  return token ? `Bearer ${token}` : undefined
}

/**
 * Whom the operation itself names, which comes before who its socket is; undefined where it names
 * nobody.
 */
async function identify(
  parts: GraphQLParts,
  given: Credentials,
  session: Session | undefined,
): Promise<Identity | undefined> {
  if (session && given.extensionsHeaders === undefined) return undefined
  try {
    const identity = await parts.authenticate(given)
    return isKnown(identity) ? identity : undefined
  } catch (error) {
    if (error instanceof GatewayError && !session) throw gatewayError(error, undefined, { http: { status: 401 } })
    throw error
  }
}

async function renew(parts: GraphQLParts, session: Session | undefined, token: string): Promise<Identity> {
  if (!session)
    throw badInput('token', 'over HTTP each request brings its own; this renews the WebSocket that it comes on')
  const identity = await parts.authenticate({ connectionParams: { token } })
  if (!isKnown(identity)) throw badInput('token', 'expected a token that grants something')
  session.renew(identity)
  return identity
}
