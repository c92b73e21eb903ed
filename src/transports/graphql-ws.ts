import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type ExecutionArgs, GraphQLError } from 'graphql'
import { type Extra, useServer } from 'graphql-ws/use/ws'
import { type WebSocket, WebSocketServer } from 'ws'
import type { SessionEnd } from '../core/observer.ts'
import type { Session } from '../core/session.ts'
import { type CloseReason, closeReasons, GatewayError } from '../errors.ts'
import { errorMasker } from '../graphql/mask-error.ts'
import type { GraphQLParts } from './graphql-context.ts'
import type { Yoga } from './graphql-http.ts'

export interface GraphQLWsOptions extends GraphQLParts {
  readonly yoga: Yoga
  readonly maxMessageBytes: number
  readonly log: (text: string, details: Record<string, unknown>) => void
}

type SocketState = { session?: Session } & Record<PropertyKey, unknown>

type SocketExtra = Extra & SocketState

/** How long a client may take to say `connection_init`, in milliseconds; past it the socket closes with 4408. */
const initTimeoutMs = 10_000
/** A ping this often finds peers that are gone without a word, in milliseconds. */
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
  const server = new WebSocketServer({ noServer: true, maxPayload: options.maxMessageBytes, clientTracking: true })
  const disposable = useServer<Record<string, unknown>, SocketState>(
    {
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
          const errors = validate(schema, document)
          if (errors.length > 0) return errors.map(maskError)
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
          return [withoutHttp(maskError(error))]
        }
      },
      execute: (args) => envelopeOf(args).execute(bare(args)),
      subscribe: (args) => envelopeOf(args).subscribe(bare(args)),
    },
    server,
    keepAliveMs,
  )
  return {
    upgrade: (request, socket, head) => {
      server.handleUpgrade(request, socket, head, (ws) => {
        // Without a listener an oversized or broken frame would be an uncaught error; ws closes the socket itself.
        ws.on('error', () => undefined)
        server.emit('connection', ws, request)
      })
    },
    close: async () => {
      const clients = [...server.clients]
      // A peer that does not answer the close frame must not hold up the end.
      const timer = setTimeout(() => {
        for (const client of clients) client.terminate()
      }, closeTimeoutMs)
      await Promise.all([disposable.dispose(), ...clients.map(closed)])
      clearTimeout(timer)
    },
  }
}

interface Envelope {
  execute: (args: ExecutionArgs) => ReturnType<typeof import('graphql').execute>
  subscribe: (args: ExecutionArgs) => ReturnType<typeof import('graphql').subscribe>
}

function closed(client: WebSocket): Promise<void> {
  if (client.readyState === client.CLOSED) return Promise.resolve()
  return new Promise((resolve) => client.once('close', () => resolve()))
}

function envelopeOf(args: ExecutionArgs): Envelope {
  return args.rootValue as Envelope
}

function bare(args: ExecutionArgs): ExecutionArgs {
  return { ...args, rootValue: undefined }
}

/** A status of HTTP means nothing on a socket. */
function withoutHttp(error: GraphQLError): GraphQLError {
  const { http: _, ...extensions } = error.extensions
  const { nodes, source, positions, path } = error
  return new GraphQLError(error.message, { nodes, source, positions, path, extensions })
}

function closeSocket(socket: SocketExtra['socket'], reason: CloseReason): void {
  socket.close(closeReasons[reason].graphqlWs, closeReasons[reason].text)
}

function endOf(code: number | undefined): SessionEnd {
  if (code === undefined || code === 1006) return 'lost'
  if (code === 1000 || code === 1001 || code === 1005) return 'client'
  return code === closeReasons.UNAUTHORIZED.graphqlWs ? 'unauthorized' : 'bad-request'
}
