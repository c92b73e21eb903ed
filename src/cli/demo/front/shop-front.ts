import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Config } from '../../../config/options/options.ts'
import { packageRoot } from '../../../config/package-root.ts'
import type { Publication } from '../../../core/model/message.ts'
import { ConsoleFiles } from '../../../transports/console/console-files.ts'
import { sendJson } from '../../../transports/http/answer-request.ts'
import { hostsOf } from '../../../transports/http/hosts.ts'
import { Origins } from '../../../transports/http/origins.ts'
import { defaultPolicy, PageGuard } from '../../../transports/http/page-guard.ts'
import { gatewayUrl } from '../../gateway/gateway-url.ts'
import { type CustomerOrders, customer } from './customer-orders.ts'
import { CuttableNetwork } from './cuttable-network.ts'

/** How often the page receives the figures of the shop, in milliseconds. */
const figuresMs = 200
/** The port of the page is this much above WARREN_PORT, unless another program has it. */
const portAbove = 80

/** The gateway of the demo, in a process of its own. Implemented by `WorkerPool`. */
export interface KillableGateway {
  /** The process id of the gateway, if clients can connect. */
  readonly serving: number | undefined
  /** Resolves with whether the gateway has confirmed the message. */
  publish(publication: Publication): Promise<boolean>
  /** Sends SIGKILL. The next gateway starts at once. */
  kill(): void
}

export interface ShopFrontParts {
  readonly gateway: KillableGateway
  readonly orders: Pick<CustomerOrders, 'made' | 'confirmed'>
  readonly token: (clientId: string) => Promise<string>
}

export interface ShopFront {
  readonly url: string
  close(): Promise<void>
}

/**
 * The web server of the shop: serves its page, passes the page's WebSocket to the gateway, and has
 * the two buttons. It listens on the host of the ops port, because a button kills the gateway.
 */
export async function openShopFront(config: Config, { gateway, orders, token }: ShopFrontParts): Promise<ShopFront> {
  const { hostname, port } = new URL(gatewayUrl(config))
  const network = new CuttableNetwork({ host: hostname.replace(/[[\]]/g, ''), port: Number(port) })
  const hosts = hostsOf(config, config.opsHost)
  const guard = new PageGuard({ origins: new Origins([]), hosts, log: () => undefined })
  const files = new ConsoleFiles({ folder: new URL(`${packageRoot(import.meta.url)}dist/console/`) })
  let kills = 0
  const figures = () => ({
    made: orders.made,
    confirmed: orders.confirmed,
    gateway: gateway.serving ?? null,
    kills,
    isCut: network.isCut,
  })

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    for (const [name, value] of Object.entries(defaultPolicy)) response.setHeader(name, value)
    const refusal = guard.refusalOfHost(request.headers) ?? guard.refusalOfPage(request.headers)
    if (refusal) return sendJson(response, refusal.status, { error: { message: refusal.message } })
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    switch (`${request.method} ${path}`) {
      case 'GET /':
        return files.serve('/console/demo.html', request, response)
      case 'GET /session':
        return sendJson(response, 200, { customer: customer.id, token: await token(customer.id) })
      case 'GET /figures':
        return sendFigures(response, figures)
      case 'POST /kill':
        kills += 1
        gateway.kill()
        return sendJson(response, 202, figures())
      case 'POST /cut':
        network.cut()
        return sendJson(response, 202, figures())
      default:
        if (/^\/console\/(assets\/|favicon\.svg$)/.test(path)) return files.serve(path, request, response)
        return sendJson(response, 404, { error: { message: `nothing at ${request.method} ${path.slice(0, 200)}` } })
    }
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    const refused = guard.refusalOfHost(request.headers) ?? guard.refusalOfPage(request.headers)
    if (refused || request.url !== '/graphql') socket.destroy()
    else network.pass(request, socket, head)
  })
  const bound = await listen(server, config)
  return {
    url: gatewayUrl({ host: config.opsHost, port: bound }).replace(/graphql$/, ''),
    close: async () => {
      network.close()
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Server-sent events, while the page is open. */
function sendFigures(response: ServerResponse, figures: () => object): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  const send = (): void => {
    // A page that does not read gets the newest figures later.
    if (!response.writableNeedDrain) response.write(`data: ${JSON.stringify(figures())}\n\n`)
  }
  send()
  const timer = setInterval(send, figuresMs)
  response.on('close', () => clearInterval(timer))
}

/** Resolves with the port. Any free port is better than no page. */
async function listen(server: ReturnType<typeof createServer>, { opsHost, port }: Config): Promise<number> {
  const wanted = port === 0 || port + portAbove > 65_535 ? 0 : port + portAbove
  try {
    server.listen(wanted, opsHost)
    await once(server, 'listening')
  } catch {
    server.listen(0, opsHost)
    await once(server, 'listening')
  }
  return (server.address() as AddressInfo).port
}
