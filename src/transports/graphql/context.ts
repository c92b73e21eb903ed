import type { IncomingMessage, ServerResponse } from 'node:http'
import type { YogaInitialContext } from 'graphql-yoga'
import { type Credentials, mayBearToken } from '../../auth/authenticate.ts'
import type { ClientChannels } from '../../core/clients/client-channels.ts'
import type { ChannelSubscription } from '../../core/delivery/channel-subscription.ts'
import type { Gateway } from '../../core/gateway.ts'
import type { Inspection } from '../../core/inspection/inspection.ts'
import { anonymous, hasToken, type Identity } from '../../core/model/identity.ts'
import type { Feed } from '../../core/sessions/feeds/feed.ts'
import type { OperationPages, PageLimit } from '../../core/sessions/page-limits.ts'
import type { Session, SessionSubscribeOptions } from '../../core/sessions/session.ts'
import { badInput, GatewayError } from '../../errors.ts'
import type { Context, Settings } from '../../graphql/context.ts'
import { gatewayError } from '../../graphql/mask-error.ts'
import { acceptedOn } from '../flow/accepted-sockets.ts'
import { names } from '../http/media-types.ts'
import { addressOf } from '../http/peer-address.ts'
import { acceptOf } from './answer-forms.ts'
import { wantsCallback } from './callback/callback-request.ts'
import type { PersistedDocuments } from './requests/persisted-documents.ts'
import { streamFormOf } from './streaming/negotiated-form.ts'
import type { StreamedSubscription } from './streaming/response-body.ts'
import type { ResultSources } from './streaming/result-sources.ts'

export interface GraphQLParts {
  readonly gateway: Gateway
  readonly clientChannels: ClientChannels
  readonly inspection: Inspection
  readonly settings: Settings
  readonly pages: PageLimit
  readonly documents: PersistedDocuments
  readonly authenticate: (credentials: Credentials) => Promise<Identity>
}

/** What a WebSocket adds to an operation: the session of its socket. */
export interface SocketContext {
  readonly session: Session
  /** Called with the subscription that the operation opens, if it is a subscription operation. */
  readonly onSubscription: (subscription: ChannelSubscription) => void
  /** The code that sends the answer closes it. */
  readonly pages: OperationPages
}

/** What the adapter of node:http adds to a request. */
interface NodeContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
}

/**
 * Makes the context of an operation: over WebSocket within the session of the socket, over HTTP
 * with the identity of the request.
 */
export function contextFactory(
  parts: GraphQLParts,
  streams: ResultSources['streams'],
): (initial: YogaInitialContext & Partial<SocketContext> & Partial<NodeContext>) => Promise<Context> {
  return async ({ request, params, session, onSubscription, pages, req, res }) => {
    const credentials: Credentials = {
      authorization: session || !request ? undefined : bearerOf(request),
      extensionsHeaders: params?.extensions?.['headers'],
    }
    // Here, because a subscription holds what `subscribeIn` names, and `params` is the client's
    // message.
    const accept = request && acceptOf(request)
    const isCallback = !session && wantsCallback(accept, params?.extensions)
    const ownIdentity = await identify(parts, credentials, session)
    const identity = ownIdentity ?? session?.identity ?? anonymous
    /** Opens a session for a streamed response; `begin` subscribes in it. */
    const inOwnSession = <Begun extends StreamedSubscription['subscription']>(
      begin: (session: Session) => Begun,
    ): Begun => {
      let stream: StreamedSubscription | undefined
      const ownSession = openUnlessDraining(res, () =>
        parts.gateway.openSession({
          identity,
          address: addressOf(req, parts.settings.proxyHops),
          transport: isCallback ? 'callback' : (streamFormOf(accept)?.transport ?? 'sse'),
          on: isCallback ? undefined : req && acceptedOn(req.socket),
          onClose: (reason) => {
            if (!stream) return
            stream.closeReason = reason
            const { onClosed } = stream
            if (onClosed) queueMicrotask(onClosed)
          },
        }),
      )
      try {
        const subscription = begin(ownSession)
        stream = { subscription, session: ownSession }
        if (request) streams.set(request, stream)
        if (res) stream.detachFromResponse = endOnClose(res, ownSession)
        return subscription
      } catch (error) {
        ownSession.end('client')
        throw error
      }
    }
    /** Subscribes in the caller's session; each streamed response has its own. */
    const subscribeIn = <Options extends SessionSubscribeOptions>(
      options: Options,
      open: (session: Session, options: Options, onEnd?: () => void) => ChannelSubscription,
    ): ChannelSubscription => {
      if (session) {
        const subscription = open(session, ownIdentity ? { ...options, as: ownIdentity } : options)
        onSubscription?.(subscription)
        return subscription
      }
      return inOwnSession((ownSession) => {
        // A reconnecting EventSource repeats its URL and sends its last cursor in this header.
        // Some clients send an empty one before their first event.
        const lastEventId = request?.headers.get('last-event-id')
        const position = lastEventId ? { after: lastEventId, last: undefined } : undefined
        const subscription = open(ownSession, { ...options, ...position }, () => ownSession.end('client'))
        onSubscription?.(subscription)
        return subscription
      })
    }
    const follow = <Event>(feed: Feed<Event>, check: (identity: Identity) => void): Feed<Event> => {
      if (session) {
        session.follow(feed, check, ownIdentity)
        return feed
      }
      return inOwnSession<Feed<Event>>((ownSession) => {
        ownSession.follow(feed, check)
        feed.onEnd(() => ownSession.end('client'))
        return feed
      })
    }
    return {
      gateway: parts.gateway,
      clientChannels: parts.clientChannels,
      inspection: parts.inspection,
      settings: parts.settings,
      pages: pages ?? pagesUntilAnswered(parts.pages, res),
      identity,
      session,
      address: session?.address ?? addressOf(req, parts.settings.proxyHops),
      subscribe: (options) => subscribeIn(options, (owner, given, onEnd) => owner.subscribe(given, onEnd)),
      subscribeEvent: (options) => subscribeIn(options, (owner, given, onEnd) => owner.subscribeEvent(given, onEnd)),
      follow,
      renewSession: (token) => renew(parts, session, token),
    }
  }
}

/** The context of a socket's operations that bring no credentials. */
export class SessionContext implements Context {
  readonly #parts: GraphQLParts
  readonly session: Session

  constructor(parts: GraphQLParts, session: Session) {
    this.#parts = parts
    this.session = session
  }

  get gateway(): Gateway {
    return this.#parts.gateway
  }

  get clientChannels(): ClientChannels {
    return this.#parts.clientChannels
  }

  get inspection(): Inspection {
    return this.#parts.inspection
  }

  get settings(): Settings {
    return this.#parts.settings
  }

  /**
   * Never read: the operations with this context are subscriptions, and those read no history
   * pages.
   */
  get pages(): OperationPages {
    return this.#parts.pages.open()
  }

  get identity(): Identity {
    return this.session.identity
  }

  get address(): string {
    return this.session.address
  }

  subscribe(options: Parameters<Session['subscribe']>[0]): ChannelSubscription {
    return this.session.subscribe(options)
  }

  subscribeEvent(options: Parameters<Session['subscribeEvent']>[0]): ChannelSubscription {
    return this.session.subscribeEvent(options)
  }

  follow<Event>(feed: Feed<Event>, check: (identity: Identity) => void): Feed<Event> {
    this.session.follow(feed, check)
    return feed
  }

  renewSession(token: string): Promise<Identity> {
    return renew(this.#parts, this.session, token)
  }
}

/**
 * Opens a session for a response. While the gateway drains it breaks the connection, because an
 * EventSource does not reconnect after an error response, whatever its status.
 */
function openUnlessDraining(response: ServerResponse | undefined, open: () => Session): Session {
  try {
    return open()
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'DRAINING') response?.destroy()
    throw error
  }
}

/** Pages that are read for a response are held until the client has received it or is gone. */
function pagesUntilAnswered(all: PageLimit, response: ServerResponse | undefined): OperationPages {
  const pages = all.open()
  if (response?.destroyed) pages.close()
  else response?.once('close', () => pages.close())
  return pages
}

/**
 * Ends the session when the response closes. Needed because Yoga drops the result of a request that
 * was aborted in the meantime, and does not end the subscription. The returned function undoes it.
 */
function endOnClose(response: ServerResponse, session: Session): () => void {
  const end = (): void => session.end('client')
  if (response.destroyed) end()
  else response.once('close', end)
  return () => response.off('close', end)
}

/** The header `Authorization`, or the token in the URL if the header is for another server. */
export function bearerOf(request: Request): string | undefined {
  const header = request.headers.get('authorization') ?? undefined
  return mayBearToken(header) ? header : tokenInUrl(request)
}

/**
 * `?token=` of a GET that names server-sent events, because a browser's EventSource cannot send
 * headers. No other request may use it. Proxies log URLs, so the docs recommend a short-lived token
 * that may only subscribe.
 */
function tokenInUrl({ method, headers, url }: Request): string | undefined {
  if (method !== 'GET' || !names(headers.get('accept') ?? undefined, 'text/event-stream')) return undefined
  const token = new URL(url).searchParams.get('token')
  return token ? `Bearer ${token}` : undefined
}

/**
 * The identity from the operation's own credentials, which replaces the identity of its socket.
 * Undefined if it brings none.
 */
async function identify(
  parts: GraphQLParts,
  credentials: Credentials,
  session: Session | undefined,
): Promise<Identity | undefined> {
  if (session && credentials.extensionsHeaders === undefined) return undefined
  try {
    const identity = await parts.authenticate(credentials)
    return hasToken(identity) ? identity : undefined
  } catch (error) {
    if (error instanceof GatewayError && !session)
      throw gatewayError(error, undefined, {
        http: { status: error.code === 'FORBIDDEN' ? 403 : 401, headers: { 'www-authenticate': challengeOf(error) } },
      })
    throw error
  }
}

/** RFC 6750 §3: with `invalid_token` a client may ask for another token. */
function challengeOf({ newToken }: GatewayError): string {
  return newToken === 'unneeded' ? 'Bearer realm="warren"' : 'Bearer realm="warren", error="invalid_token"'
}

async function renew(parts: GraphQLParts, session: Session | undefined, token: string): Promise<Identity> {
  if (!session)
    throw badInput(
      'token',
      'refreshSession renews the token of a WebSocket; over HTTP, send the new token with each request',
    )
  const identity = await parts.authenticate({ connectionParams: { token } })
  if (!hasToken(identity)) throw badInput('token', 'expected a token with a client id or a scope')
  session.renew(identity)
  return identity
}
