import type { Config } from '../config/options/options.ts'

export interface Endpoint {
  readonly name: string
  readonly url: string
}

interface Listening {
  readonly http: { readonly port: number }
  readonly tcp: { readonly port: number } | undefined
  readonly echo: { readonly port: number } | undefined
  readonly ops: { readonly url: string } | undefined
}

/** Where each endpoint is, in the order in which a new user needs them. */
export function endpointsOf(config: Config, { http, tcp, echo, ops }: Listening): Endpoint[] {
  const host = urlHost(config.host)
  const base = `${host}:${http.port}`
  const consoleBase = config.console === 'on' ? `http://${base}` : ops?.url
  const endpoints: (Endpoint | false | undefined)[] = [
    config.console !== 'off' && consoleBase !== undefined && { name: 'console', url: `${consoleBase}/console` },
    config.graphiql && { name: 'GraphiQL', url: `http://${base}/graphql` },
    { name: 'GraphQL over HTTP, SSE', url: `http://${base}/graphql` },
    { name: 'graphql-transport-ws', url: `ws://${base}/graphql` },
    config.room && { name: 'plain WebSocket', url: `ws://${base}/ws` },
    config.room && { name: 'its page', url: `http://${base}/client` },
    tcp && { name: 'framed TCP', url: `tcp://${host}:${tcp.port}` },
    echo && { name: 'TCP echo', url: `tcp://${host}:${echo.port}` },
    config.socketcluster && { name: 'SocketCluster', url: `ws://${base}/socketcluster/` },
    ops && { name: 'health and metrics', url: `${ops.url}/readyz` },
  ]
  return endpoints.filter((endpoint) => typeof endpoint === 'object')
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
