import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import {
  type ExecutionArgs,
  type ExecutionResult,
  type FormattedExecutionResult,
  GraphQLError,
  getOperationAST,
} from 'graphql'
import { handleProtocols, makeServer } from 'graphql-ws'
import { type WebSocket, WebSocketServer } from 'ws'
import type { SessionEnd } from '../core/observer.ts'
import type { Session } from '../core/session.ts'
import { type CloseReason, closeReasons, GatewayError } from '../errors.ts'
import { errorMasker } from '../graphql/mask-error.ts'
import type { GraphQLParts } from './graphql-context.ts'
import type { Yoga } from './graphql-http.ts'
import { type SocketExtra, serveSocket } from './graphql-ws-socket.ts'

export interface GraphQLWsOptions extends GraphQLParts {
  readonly yoga: Yoga
  readonly maxMessageBytes: number
  readonly log: (text: string, details: Record<string, unknown>) => void
}

interface Extra extends SocketExtra, Record<PropertyKey, unknown> {
  session?: Session
}

/** How long a client may take to say `connection_init`, in milliseconds; past it the socket closes with 4408. */
const initTimeoutMs = 10_000
/** A ping this often finds peers that are gone without a word, in milliseconds; who says nothing until the next is cut off. */
const keepAliveMs = 12_000
/** How long a peer may take to answer the last close frame, in milliseconds. */
const closeTimeoutMs = 1_000

/**
 * graphql-transport-ws at `/graphql`, on the schema, context, masking and limits of the HTTP side.
 * https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
 */
export function createGraphQLWs(options: GraphQLWsOptions): {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  close(): Promise<void>
} {
  const { gateway, yoga } = options
  const maskError = errorMasker(options.log)
  const answered = (error: unknown) => withoutHttp(maskError(error))
  const server = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: initTimeoutMs,
    onConnect: async ({ connectionParams, extra }) => {
      const { socket, request } = extra
      try {
        const identity = await options.authenticate({
          connectionParams,
          authorization: request.headers.authorization,
        })
        if (socket.readyState !== socket.OPEN) return false
        extra.session = gateway.openSession({
          identity,
          transport: 'graphql-ws',
          onClose: (reason) => closeSocket(socket, reason),
        })
        return true
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error
        closeSocket(socket, error.code === 'UNAUTHENTICATED' ? 'UNAUTHORIZED' : 'TOO_MANY')
        return false
      }
    },
    onDisconnect: ({ extra }, code) => extra.session?.end(endOf(code)),
    onSubscribe: async ({ extra }, _id, payload): Promise<ExecutionArgs | readonly GraphQLError[]> => {
      try {
        extra.session?.admit()
        const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
          session: extra.session,
          params: payload,
        })
        const document = parse(payload.query)
        if (!getOperationAST(document, payload.operationName)) return [noSuchOperation()]
        const errors = validate(schema, document)
        if (errors.length > 0) return errors
        return {
          schema,
          document,
          operationName: payload.operationName,
          variableValues: payload.variables,
          contextValue: await contextFactory(),
          // graphql-ws calls these instead of its own: Yoga's have the envelope around them.
          rootValue: { execute, subscribe },
        }
      } catch (error) {
        return [maskError(error)]
      }
    },
    execute: (args) => envelopeOf(args).execute(bare(args)),
    subscribe: (args) => envelopeOf(args).subscribe(bare(args)),
    onError: (_context, _id, _payload, errors) => errors.map((error) => answered(error).toJSON()),
    onNext: (_context, _id, _payload, _args, result) => (result.errors ? withErrors(result, answered) : undefined),
  })
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: options.maxMessageBytes,
    clientTracking: true,
    handleProtocols,
  })
  const fail = (error: unknown) =>
    options.log('a socket failed in a way that was not foreseen', {
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
  sockets.on('connection', (socket: WebSocket, request: IncomingMessage) => {
    // Without a listener an oversized or broken frame would be an uncaught error; ws closes the socket itself.
    socket.on('error', () => undefined)
    serveSocket(server, { socket, request }, fail)
  })
  const stopPinging = keepAlive(sockets)
  return {
    upgrade: (request, socket, head) => {
      sockets.handleUpgrade(request, socket, head, (ws) => void sockets.emit('connection', ws, request))
    },
    close: async () => {
      stopPinging()
      const clients = [...sockets.clients]
      // Those without a session: nobody else tells them.
      for (const client of clients) closeSocket(client, 'RESTART')
      // A peer that does not answer the close frame must not hold up the end.
      const timer = setTimeout(() => {
        for (const client of clients) client.terminate()
      }, closeTimeoutMs)
      await new Promise<void>((resolve) => sockets.close(() => resolve()))
      clearTimeout(timer)
    },
  }
}

/** One timer for all sockets. Returns what stops it. */
function keepAlive(sockets: WebSocketServer): () => void {
  const silent = new WeakSet<WebSocket>()
  const timer = setInterval(() => {
    for (const socket of sockets.clients) {
      if (silent.has(socket)) {
        socket.terminate()
      } else {
        silent.add(socket)
        socket.ping()
      }
    }
  }, keepAliveMs)
  sockets.on('connection', (socket: WebSocket) => {
    for (const sign of ['pong', 'message'] as const) socket.on(sign, () => silent.delete(socket))
  })
  return () => clearInterval(timer)
}

interface Envelope {
  execute: (args: ExecutionArgs) => ReturnType<typeof import('graphql').execute>
  subscribe: (args: ExecutionArgs) => ReturnType<typeof import('graphql').subscribe>
}

function envelopeOf(args: ExecutionArgs): Envelope {
  return args.rootValue as Envelope
}

function bare(args: ExecutionArgs): ExecutionArgs {
  return { ...args, rootValue: undefined }
}

/** In the words of the HTTP side. */
function noSuchOperation(): GraphQLError {
  return new GraphQLError('Could not determine what operation to execute.', {
    extensions: { code: 'OPERATION_RESOLUTION_FAILURE' },
  })
}

function withErrors(
  { errors, ...result }: ExecutionResult,
  answered: (error: unknown) => GraphQLError,
): FormattedExecutionResult {
  return { ...result, errors: errors?.map((error) => answered(error).toJSON()) }
}

/** A status of HTTP means nothing on a socket. */
function withoutHttp(error: GraphQLError): GraphQLError {
  const { http: _, ...extensions } = error.extensions
  const { nodes, source, positions, path } = error
  return new GraphQLError(error.message, { nodes, source, positions, path, extensions })
}

function closeSocket(socket: WebSocket, reason: CloseReason): void {
  socket.close(closeReasons[reason].graphqlWs, closeReasons[reason].text)
}

function endOf(code: number | undefined): SessionEnd {
  if (code === undefined || code === 1006) return 'lost'
  if (code === 1000 || code === 1001 || code === 1005) return 'client'
  return code === closeReasons.UNAUTHORIZED.graphqlWs ? 'unauthorized' : 'bad-request'
}
