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
import type { Feed } from '../core/feed.ts'
import type { Session } from '../core/session.ts'
import { closeReasonOf, type ErrorCode, GatewayError } from '../errors.ts'
import { errorMasker } from '../graphql/mask-error.ts'
import { type FanOut, withTraceOf } from './fan-out.ts'
import type { GraphQLParts } from './graphql-context.ts'
import type { Yoga } from './graphql-http.ts'
import { NextFrames } from './graphql-ws-next.ts'
import { type SocketExtra, serveSocket } from './graphql-ws-socket.ts'
import { KeepAlive } from './keep-alive.ts'
import { OperationIds } from './operation-ids.ts'
import { Outbox, type Outboxes } from './outbox.ts'
import { addressOf } from './peer-address.ts'
import { closeSocket, closeSockets, endOf } from './websocket-life.ts'

export interface GraphQLWsOptions extends GraphQLParts {
  readonly yoga: Yoga
  readonly fanOut: FanOut
  readonly outboxes: Outboxes
  readonly maxMessageBytes: number
  /** How long a client may take to say `connection_init`, in milliseconds; past it the socket closes with 4408. */
  readonly authTimeoutMs: number
  readonly log: (text: string, details: Record<string, unknown>) => void
  readonly onRefusal: (code: ErrorCode) => void
}

interface Extra extends SocketExtra, Record<PropertyKey, unknown> {
  session?: Session
}

/**
 * graphql-transport-ws at `/graphql`, on the schema, context, masking and limits of the HTTP side.
 * https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
 */
export function createGraphQLWs(options: GraphQLWsOptions): {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  close(): Promise<void>
} {
  const { gateway, yoga, fanOut } = options
  const maskError = errorMasker(options.log, options.onRefusal)
  const answered = (error: unknown) => withoutHttp(maskError(error))
  const masked = (result: ExecutionResult) => withErrors(result, answered)
  const server = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: options.authTimeoutMs,
    onConnect: async ({ connectionParams, extra }) => {
      const { socket, request, outbox } = extra
      try {
        const identity = await options.authenticate({
          connectionParams,
          authorization: request.headers.authorization,
        })
        if (socket.readyState !== socket.OPEN) return false
        extra.session = gateway.openSession({
          identity,
          transport: 'graphql-ws',
          address: addressOf(request, options.settings.proxyHops),
          onClose: (reason) => {
            outbox.flush()
            closeSocket(socket, reason)
          },
        })
        return true
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error
        options.onRefusal(error.code)
        closeSocket(socket, closeReasonOf(error.code))
        return false
      }
    },
    onDisconnect: ({ extra }, code) => extra.session?.end(endOf(code)),
    onSubscribe: async ({ extra }, _id, payload): Promise<ExecutionArgs | readonly GraphQLError[]> => {
      try {
        extra.session?.admit()
        const opened: Operation['opened'] = {}
        const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
          session: extra.session,
          onFeed: (feed: Feed) => {
            opened.feed = feed
          },
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
          rootValue: {
            execute: (args) => {
              const answer = execute(args)
              return extra.session ? extra.session.during(answer) : answer
            },
            subscribe,
            opened,
          } satisfies Operation,
        }
      } catch (error) {
        return [maskError(error)]
      }
    },
    execute: (args) => operationOf(args).execute(bare(args)),
    subscribe: (args) => operationOf(args).subscribe(bare(args)),
    // What can be shared is written by us; what cannot goes result by result through graphql-ws.
    onOperation: ({ extra }, id, _payload, args) => {
      const { feed } = operationOf(args).opened
      const group = feed && fanOut.groupOf(args)
      if (!feed || !group) return undefined
      const { outbox, ids } = extra
      return new NextFrames({ feed, group, outbox, id: ids.clientIdOf(id), args: bare(args), masked })
    },
    onError: (_context, _id, _payload, errors) => errors.map((error) => answered(error).toJSON()),
    onNext: (_context, _id, _payload, args, result) => {
      // A result is made from the event that was taken last: the next one is taken when this has been written.
      const told = withTraceOf(operationOf(args).opened.feed?.lastTaken, result)
      return told.errors ? masked(told) : told
    },
  })
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: options.maxMessageBytes,
    clientTracking: true,
    handleProtocols,
    // Compressed frames are written later than they are sent, and ours would come between.
    perMessageDeflate: false,
    autoPong: false,
  })
  const fail = (error: unknown) =>
    options.log('a socket failed in a way that was not foreseen', {
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
  const keepAlive = new KeepAlive(options.settings.keepAliveMs)
  const serve = (socket: WebSocket, request: IncomingMessage, stream: Duplex) => {
    // Without a listener an oversized or broken frame would be an uncaught error; ws closes the socket itself.
    socket.on('error', () => undefined)
    const isOpen = () => socket.readyState === socket.OPEN
    const outbox = new Outbox({ socket: stream, isOpen, outboxes: options.outboxes })
    const extra: Extra = { socket, request, outbox, ids: new OperationIds() }
    serveSocket(server, extra, fail)
    keepAlive.watch(socket, stream, () => extra.session?.end('slow-consumer'))
  }
  return {
    upgrade: (request, socket, head) => {
      sockets.handleUpgrade(request, socket, head, (ws) => {
        serve(ws, request, socket)
      })
    },
    close: async () => {
      keepAlive.close()
      // Those without a session: nobody else tells them.
      await closeSockets(sockets, (client) => closeSocket(client, 'RESTART'))
    },
  }
}

/** One operation, in the place of the root value: graphql-ws hands that from hook to hook, and our schema has none. */
interface Operation {
  /** Yoga's, which have the envelope around them. */
  readonly execute: (args: ExecutionArgs) => ReturnType<typeof import('graphql').execute>
  readonly subscribe: (args: ExecutionArgs) => ReturnType<typeof import('graphql').subscribe>
  readonly opened: { feed?: Feed }
}

function operationOf(args: ExecutionArgs): Operation {
  return args.rootValue as Operation
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
