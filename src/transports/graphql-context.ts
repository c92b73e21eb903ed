import type { ServerResponse } from 'node:http'
import type { YogaInitialContext } from 'graphql-yoga'
import type { Credentials } from '../auth/authenticate.ts'
import type { ClientChannels } from '../core/client-channels.ts'
import type { Feed } from '../core/feed.ts'
import type { Gateway } from '../core/gateway.ts'
import type { Identity } from '../core/identity.ts'
import type { Session } from '../core/session.ts'
import { GatewayError } from '../errors.ts'
import type { Context, Settings } from '../graphql/context.ts'
import { gatewayError } from '../graphql/mask-error.ts'
import type { Streamed, StreamedOf } from './sse.ts'

export interface GraphQLParts {
  readonly gateway: Gateway
  readonly clientChannels: ClientChannels
  readonly settings: Settings
  readonly authenticate: (credentials: Credentials) => Promise<Identity>
}

/** What a WebSocket adds to an operation: the session of its socket. */
export interface SocketContext {
  readonly session: Session
  /** Told of the feed that the operation opens, where it is a subscription. */
  readonly onFeed: (feed: Feed) => void
}

/** What the adapter of node:http adds to a request. */
interface NodeContext {
  readonly res: ServerResponse
}

/** Makes an operation's context: over WebSocket within the session of the socket, over HTTP with an identity of its own. */
export function contextFactory(
  parts: GraphQLParts,
  streamedOf: StreamedOf,
): (initial: YogaInitialContext & Partial<SocketContext> & Partial<NodeContext>) => Promise<Context> {
  return async ({ request, params, session, onFeed, res }) => {
    const { extensions } = params ?? {}
    const given: Credentials = {
      authorization: session || !request ? undefined : (request.headers.get('authorization') ?? tokenInUrl(request)),
      extensionsHeaders: extensions?.['headers'],
    }
    const identity = await identify(parts, given, session)
    return {
      gateway: parts.gateway,
      clientChannels: parts.clientChannels,
      settings: parts.settings,
      identity,
      subscribe: (options) => {
        if (session && session.identity === identity) {
          const feed = session.subscribe(options)
          onFeed?.(feed)
          return feed
        }
        // An SSE response, or an operation that brought a token of its own, is a session by itself.
        let streamed: Streamed | undefined
        const own = parts.gateway.openSession({
          identity,
          transport: session?.transport ?? 'sse',
          onClose: (reason) => {
            if (streamed) streamed.endedFor = reason
          },
        })
        try {
          // An EventSource that reconnects repeats its URL, and says in this header how far it came.
          const lastEventId = session ? null : (request?.headers.get('last-event-id') ?? null)
          const feed = own.subscribe({ ...options, after: lastEventId ?? options.after }, () => own.end('client'))
          streamed = { feed }
          onFeed?.(feed)
          if (request) streamedOf.set(request, streamed)
          if (res) endWith(res, own)
          return feed
        } catch (error) {
          own.end('client')
          throw error
        }
      },
    }
  }
}

/** However far Yoga has come: what it makes for a request that was aborted meanwhile is dropped, and nobody tells the subscription. */
function endWith(response: ServerResponse, session: Session): void {
  if (response.destroyed) session.end('client')
  else response.once('close', () => session.end('client'))
}

/**
 * `?token=` of a GET that asks for server-sent events, and of nothing else: a browser's EventSource cannot send headers. URLs end up in the logs
 * of proxies, so the docs say to use a token that is short-lived and may do no more than listen.
 */
function tokenInUrl({ method, headers, url }: Request): string | undefined {
  if (method !== 'GET' || !(headers.get('accept') ?? '').includes('text/event-stream')) return undefined
  const token = new URL(url).searchParams.get('token')
  return token ? `Bearer ${token}` : undefined
}

/** Credentials of the operation itself come before those of its socket. */
async function identify(parts: GraphQLParts, given: Credentials, session: Session | undefined): Promise<Identity> {
  if (session && given.extensionsHeaders === undefined) return session.identity
  try {
    const identity = await parts.authenticate(given)
    return session && identity.clientId === undefined && !hasGrants(identity) ? session.identity : identity
  } catch (error) {
    if (error instanceof GatewayError && !session) throw gatewayError(error, undefined, { http: { status: 401 } })
    throw error
  }
}

function hasGrants({ scope }: Identity): boolean {
  return scope.operator || scope.publish || scope.channels.length > 0
}
