import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { errorStack } from '../../../core/model/error-text.ts'
import { Deadlines } from '../../flow/deadlines.ts'
import { FrameLimits } from '../../flow/frame-limits.ts'
import { Outbox } from '../../flow/outbox.ts'
import { addressOf } from '../../http/peer-address.ts'
import { closeSocket } from '../../websocket/close.ts'
import { WebSocketServer } from '../../websocket/websocket-server.ts'
import { GraphQLWsConnection, type GraphQLWsOptions, type GraphQLWsParts } from './connection.ts'
import { legacyGraphqlWs } from './legacy-ws.ts'
import { graphqlTransportWs } from './transport-ws.ts'

/** How long a client may take to answer a close frame and to close its side. */
const closeTimeoutMs = 30_000

/**
 * The longest time between two keep-alive messages of a subprotocol, in milliseconds. The client of
 * subscriptions-transport-ws gives up after 30 s without one.
 */
const maxKeepAliveMs = 10_000

/** In the order of preference, if a client offers several. */
const protocols = [graphqlTransportWs, legacyGraphqlWs]

/**
 * The WebSocket subprotocols at `/graphql`, with the schema, context, masking and limits of the
 * HTTP side.
 */
export function createGraphQLWs(options: GraphQLWsOptions): {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  close(): Promise<void>
} {
  const initDeadlines = new Deadlines<GraphQLWsConnection>(options.authTimeoutMs, (late) => late.onInitTimeout())
  const parts: GraphQLWsParts = {
    ...options,
    frameLimits: new FrameLimits(options),
    initDeadlines,
    keptAlive: new Set(),
    logError: (error) =>
      options.log('unexpected error on a WebSocket at /graphql', {
        error: errorStack(error),
      }),
  }
  const sockets = new WebSocketServer({
    protocols: protocols.map(({ name }) => name),
    unfinished: options.unfinished,
    keepAliveMs: options.settings.keepAliveMs,
    closeTimeoutMs,
    explainsRefusals: false,
  })
  const keepAlive = setInterval(
    () => {
      for (const connection of parts.keptAlive) connection.keepAlive()
    },
    Math.min(options.settings.keepAliveMs, maxKeepAliveMs),
  )
  return {
    upgrade(request, stream, head) {
      const accepted = sockets.accept(request, stream, head)
      if (!accepted) return
      const { socket } = accepted
      const protocol = protocols.find(({ name }) => name === accepted.protocol)
      const connection = new GraphQLWsConnection(parts, {
        socket,
        protocol: protocol ?? graphqlTransportWs,
        outbox: new Outbox({ socket: stream, isOpen: () => socket.isOpen, outboxes: options.outboxes }),
        authorization: request.headers.authorization,
        address: addressOf(request, options.settings.proxyHops),
      })
      connection.begin(protocol !== undefined)
    },
    close: async () => {
      initDeadlines.close()
      clearInterval(keepAlive)
      // Closes sockets without a session, because the gateway closes only sessions.
      await sockets.close((socket) => closeSocket(socket, 'RESTART'))
    },
  }
}
