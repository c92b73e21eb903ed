import type { IncomingMessage } from 'node:http'
import type { Config } from '../../config/options/options.ts'
import { packageRoot } from '../../config/package-root.ts'
import type { OpsRoutes } from '../../observability/ops-listener.ts'
import {
  ConsoleFiles,
  consoleGraphQLPath,
  consolePath,
  isForOperators,
} from '../../transports/console/console-files.ts'
import { operatorsOnly } from '../../transports/console/operator-access.ts'
import { endWith } from '../../transports/flow/end-with-answer.ts'
import { FanOut } from '../../transports/graphql/fan-out.ts'
import { PersistedDocuments } from '../../transports/graphql/requests/persisted-documents.ts'
import { type AnswerOptions, answerRequest, type HttpRoutes, pathOf } from '../../transports/http/answer-request.ts'
import type { BoundedRequest } from '../../transports/http/bounded-request.ts'
import { opsHosts } from '../../transports/http/hosts.ts'
import type { Origins } from '../../transports/http/origins.ts'
import { PageGuard } from '../../transports/http/page-guard.ts'
import type { Identities } from '../identities.ts'
import { consoleSignInRoutes } from './console-sign-in.ts'
import { type GraphQLEndpoint, type GraphQLShared, graphqlEndpoint } from './graphql-endpoint.ts'

/** `dist/console`, from `dist/program` and `src/app/graphql` alike. */
const folder = new URL(`${packageRoot(import.meta.url)}dist/console/`)

/** The console, and its `/graphql` for operators. */
export interface Console {
  /** For the port of the clients. */
  readonly routes: Required<HttpRoutes>
  /** For the ops port, which also has `/graphql`. */
  readonly ops: OpsRoutes
  close(): Promise<void>
}

export interface ConsoleOptions extends Pick<AnswerOptions, 'maxBodyBytesOf' | 'onError'> {
  readonly shared: GraphQLShared
  readonly origins: Origins
  readonly guard: PageGuard
  /** The options that a reload changes. */
  readonly live: Config
  readonly identities: Pick<Identities, 'secret' | 'signer'>
}

/** Nothing of it runs before a console is opened. */
export function createConsole(config: Config, options: ConsoleOptions): Console {
  const { shared, origins, live } = options
  const files = new ConsoleFiles({ folder })
  let opened: GraphQLEndpoint | undefined
  const endpoint = (): GraphQLEndpoint => {
    const served = shared.served.operators
    opened ??= graphqlEndpoint(
      // What is hidden from clients is open to operators.
      { ...config, introspection: true, callbackUrls: [] },
      {
        ...shared,
        served,
        fanOut: new FanOut(served, shared.onExecute),
        authenticate: operatorsOnly(shared.authenticate),
        documents: new PersistedDocuments(undefined),
      },
      { ...options, live },
    )
    return opened
  }
  const signInRoutes = consoleSignInRoutes(config, { ...shared, ...options })
  const routes: Required<HttpRoutes> = {
    requests: new Map([
      [consoleGraphQLPath, (request, response) => endpoint().serve(asGraphQL(request), response)],
      ...signInRoutes,
    ]),
    trees: new Map([[consolePath, (path, request, response) => files.serve(path, request, response)]]),
    upgrades: new Map([[consoleGraphQLPath, (request, socket, head) => endpoint().upgrade(request, socket, head)]]),
  }
  const guard = new PageGuard({ origins, hosts: { allows: opsHosts(config) }, log: shared.warn })
  const onOps: AnswerOptions = {
    ...options,
    guard,
    maxBodyBytes: config.maxMessageBytes,
    requests: new Map([...routes.requests, ['/graphql', (request, response) => endpoint().serve(request, response)]]),
    trees: routes.trees,
    upgrades: new Map([
      ...routes.upgrades,
      ['/graphql', (request, socket, head) => endpoint().upgrade(request, socket, head)],
    ]),
  }
  return { routes, ops: opsRoutes(onOps), close: async () => opened?.close() }
}

function opsRoutes(options: AnswerOptions): OpsRoutes {
  return {
    serves: isForOperators,
    answer: (request, response) => {
      const bounded = request as BoundedRequest
      response.once('close', () => bounded.releaseBody())
      void answerRequest(options, bounded, response)
    },
    upgrade: (request, socket, head) => {
      const route = options.upgrades.get(pathOf(request))
      const refusal = options.guard.refusalOfPage(request.headers)
      if (route && !refusal) route(request, socket, head)
      else
        endWith(
          socket,
          `HTTP/1.1 ${refusal ? '403 Forbidden' : '404 Not Found'}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
        )
    },
  }
}

/** The handler of GraphQL knows one path. */
function asGraphQL(request: IncomingMessage): IncomingMessage {
  request.url = request.url?.replace(consoleGraphQLPath, '/graphql')
  return request
}
