import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Config } from '../../config/options/options.ts'
import { createGraphQLHttp, type GraphQLHttpOptions, headAsGet, serveGraphQL } from '../../transports/graphql/http.ts'
import { OpenDocuments } from '../../transports/graphql/open-documents.ts'
import { type OperationsPartsOptions, operationsParts } from '../../transports/graphql/operations/operations-parts.ts'
import { SingleConnections } from '../../transports/graphql/single-connection/endpoint.ts'
import type { GraphQLWsOptions } from '../../transports/graphql/ws/connection.ts'
import { createGraphQLWs } from '../../transports/graphql/ws/endpoint.ts'
import type { UpgradeHandler } from '../../transports/http/answer-request.ts'
import type { Origins } from '../../transports/http/origins.ts'
import type { PageGuard } from '../../transports/http/page-guard.ts'

/** What all endpoints of GraphQL share. */
export interface GraphQLShared
  extends Omit<GraphQLHttpOptions, 'origins' | 'introspection' | 'callbackUrls' | 'maxBatch'>,
    Omit<OperationsPartsOptions, 'introspection' | 'yoga' | 'openDocuments' | 'maxBufferedBytes' | 'authTimeoutMs'>,
    Pick<GraphQLWsOptions, 'unfinished' | 'outboxes'> {}

export interface GraphQLEndpoint {
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>
  readonly upgrade: UpgradeHandler
  close(): Promise<void>
}

/** `/graphql` over HTTP and WebSocket. `live`: the options that a reload changes. */
export function graphqlEndpoint(
  config: Config,
  shared: GraphQLShared,
  { guard, origins, live }: { guard: PageGuard; origins: Origins; live: Config },
): GraphQLEndpoint {
  const { introspection, callbackUrls = [], maxBatch, maxFrameBytes, maxMessageBytes } = config
  const { yoga, callbacks } = createGraphQLHttp({ ...shared, origins, introspection, callbackUrls, maxBatch })
  const operations = operationsParts({
    ...shared,
    yoga,
    introspection,
    maxBufferedBytes: config.maxBufferedBytes,
    authTimeoutMs: config.authTimeoutMs,
    openDocuments: new OpenDocuments(live),
  })
  const sockets = createGraphQLWs({ ...operations, maxFrameBytes, maxMessageBytes })
  const single = new SingleConnections(operations)
  return {
    serve: (request, response) => {
      headAsGet(request)
      return serveGraphQL({ yoga, guard, single }, request, response)
    },
    upgrade: (request, socket, head) => sockets.upgrade(request, socket, head),
    close: async () => {
      await sockets.close()
      await callbacks.close()
    },
  }
}
