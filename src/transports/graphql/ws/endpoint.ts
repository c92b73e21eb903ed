import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type ExecutionResult, type FormattedExecutionResult, GraphQLError } from 'graphql'
import { GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws'
import { errorStack } from '../../../core/model/error-text.ts'
import { errorMasker } from '../../../graphql/mask-error.ts'
import { Deadlines } from '../../flow/deadlines.ts'
import { FrameLimits } from '../../flow/frame-limits.ts'
import { Outbox } from '../../flow/outbox.ts'
import { addressOf } from '../../http/peer-address.ts'
import { closeSocket } from '../../websocket/close.ts'
import { WebSocketServer } from '../../websocket/websocket-server.ts'
import { SharedOperations } from '../shared-operations.ts'
import { GraphQLWsConnection, type GraphQLWsOptions, type GraphQLWsParts } from './connection.ts'

/** How long a client may take to answer a close frame and to close its side. */
const closeTimeoutMs = 30_000

/**
 * graphql-transport-ws at `/graphql`, on the schema, context, masking and limits of the HTTP side.
 */
export function createGraphQLWs(options: GraphQLWsOptions): {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  close(): Promise<void>
} {
  const maskError = errorMasker(options.log, options.onRefusal, { suggestions: options.introspection })
  const answered = (error: unknown) => withoutHttp(maskError(error))
  const initiations = new Deadlines<GraphQLWsConnection>(options.authTimeoutMs, (late) => late.initiationMissed())
  const parts: GraphQLWsParts = {
    ...options,
    operations: new SharedOperations(options.fanOut),
    frameLimits: new FrameLimits(options),
    initiations,
    answered,
    masked: (result) => withErrors(result, answered),
    fail: (error) =>
      options.log('a socket failed in a way that was not foreseen', {
        error: errorStack(error),
      }),
  }
  const sockets = new WebSocketServer({
    protocol: GRAPHQL_TRANSPORT_WS_PROTOCOL,
    unfinished: options.unfinished,
    keepAliveMs: options.settings.keepAliveMs,
    closeTimeoutMs,
    explainsRefusals: false,
  })
  return {
    upgrade(request, stream, head) {
      const accepted = sockets.accept(request, stream, head)
      if (!accepted) return
      const { socket, protocol } = accepted
      const connection = new GraphQLWsConnection(parts, {
        socket,
        outbox: new Outbox({ socket: stream, isOpen: () => socket.isOpen, outboxes: options.outboxes }),
        authorization: request.headers.authorization,
        address: addressOf(request, options.settings.proxyHops),
      })
      connection.begin(protocol !== undefined)
    },
    close: async () => {
      initiations.close()
      // Those without a session: nobody else tells them.
      await sockets.close((socket) => closeSocket(socket, 'RESTART'))
    },
  }
}

function withErrors(
  { errors, ...result }: ExecutionResult,
  answered: (error: unknown) => GraphQLError,
): FormattedExecutionResult {
  return { ...result, errors: errors?.map((error) => answered(error).toJSON()) }
}

/** A status of HTTP means nothing on a socket. */
function withoutHttp(error: GraphQLError): GraphQLError {
  // A new error looks where it was made, which costs as much as all the rest of a refusal.
  if (!('http' in error.extensions)) return error
  const { http: _, ...extensions } = error.extensions
  const { nodes, source, positions, path } = error
  return new GraphQLError(error.message, { nodes, source, positions, path, extensions })
}
