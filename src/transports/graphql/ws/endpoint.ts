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
 * graphql-transport-ws at `/graphql`, with the schema, context, masking and limits of the HTTP
 * side.
 */
export function createGraphQLWs(options: GraphQLWsOptions): {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  close(): Promise<void>
} {
  const masker = errorMasker(options.log, options.onRefusal, { suggestions: options.introspection })
  const maskError = (error: unknown) => withoutHttp(masker(error))
  const initDeadlines = new Deadlines<GraphQLWsConnection>(options.authTimeoutMs, (late) => late.onInitTimeout())
  const parts: GraphQLWsParts = {
    ...options,
    operations: new SharedOperations(options.fanOut),
    frameLimits: new FrameLimits(options),
    initDeadlines,
    maskError,
    maskResult: (result) => withMaskedErrors(result, maskError),
    logError: (error) =>
      options.log('unexpected error on a graphql-transport-ws socket', {
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
      initDeadlines.close()
      // Closes sockets without a session, because the gateway closes only sessions.
      await sockets.close((socket) => closeSocket(socket, 'RESTART'))
    },
  }
}

function withMaskedErrors(
  { errors, ...result }: ExecutionResult,
  maskError: (error: unknown) => GraphQLError,
): FormattedExecutionResult {
  return { ...result, errors: errors?.map((error) => maskError(error).toJSON()) }
}

/** An HTTP status has no meaning on a socket. */
function withoutHttp(error: GraphQLError): GraphQLError {
  // `new GraphQLError` records a stack trace, which costs as much as the rest of a refusal.
  if (!('http' in error.extensions)) return error
  const { http: _, ...extensions } = error.extensions
  const { nodes, source, positions, path } = error
  return new GraphQLError(error.message, { nodes, source, positions, path, extensions })
}
