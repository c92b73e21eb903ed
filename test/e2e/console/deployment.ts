import amqp, { type ChannelModel, type ConfirmChannel } from 'amqplib'
import { WebSocket } from 'ws'
import { eventually } from '../../support/eventually.ts'
import { textOf } from '../../support/frames/frames.ts'
import { openReachable, type ReachableGateway } from '../../support/gateway/gateway-in-process.ts'
import { type GatewayProcess, startGateway, testToken } from '../../support/gateway/gateway-process.ts'
import { openBrowser, type TestBrowser } from '../../support/processes/chromium.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { type Call, type ChannelListener, callerOf, listen } from '../back-end/graphql-caller.ts'

/** Two replicas on RabbitMQ, a browser, and a publisher that does not know Warren. */
export interface Deployment<Replica = ReachableGateway> extends AsyncDisposable {
  /** The console is opened on the first one; clients connect to the second one. */
  readonly replicas: readonly [Replica, Replica]
  readonly browser: TestBrowser
  readonly operator: Call
  /** Resolves when RabbitMQ has confirmed the message. `body`: text as it is, else JSON. */
  readonly publish: (
    exchange: string,
    routingKey: string,
    body: unknown,
    properties?: amqp.Options.Publish,
  ) => Promise<void>
  /** A client of the second replica, subscribed to its channel. */
  readonly client: (clientId: string) => Promise<ChannelListener>
}

interface DeploymentOptions {
  readonly env?: Readonly<Record<string, string>>
}

/**
 * `brokerUrl`: of a broker that the test owns; the replicas are then processes, because the output of
 * a gateway that loses its broker is not for that of the tests. Default: a virtual host of the shared
 * node, and replicas in the process of the test.
 */
export function openDeployment(
  name: string,
  options: DeploymentOptions & { readonly brokerUrl: string },
): Promise<Deployment<GatewayProcess>>
export function openDeployment(name: string, options?: DeploymentOptions): Promise<Deployment>
export async function openDeployment(
  name: string,
  { env = {}, brokerUrl }: DeploymentOptions & { readonly brokerUrl?: string } = {},
): Promise<Deployment<ReachableGateway | GatewayProcess>> {
  const vhost: TestVhost | undefined = brokerUrl === undefined ? await testVhost(name) : undefined
  const url = brokerUrl ?? vhost?.url ?? ''
  const given = { WARREN_BROKER_URL: url, ...env }
  const start = (options: Readonly<Record<string, string>>) =>
    brokerUrl === undefined ? openReachable(options) : startGateway({ env: options })
  const one = await start(given)
  // The replicas of a deployment share a registry.
  const two = await start({ ...given, WARREN_DATA_DIR: one.dataDir })
  const browser = await openBrowser()
  const operator = callerOf(one.graphqlUrl, await testToken({ sub: 'olga', scope: 'operator' }))
  await eventually('two replicas that answer each other', async () => {
    const { replicas } = await operator<{ replicas: { state: string }[] }>('{ replicas { state } }')
    return replicas.length === 2 && replicas.every(({ state }) => state === 'SERVING')
  })
  let connection: ChannelModel | undefined
  let channel: ConfirmChannel | undefined
  const clients: ChannelListener[] = []
  return {
    replicas: [one, two],
    browser,
    operator,
    async publish(exchange, routingKey, body, properties = {}) {
      connection ??= await amqp.connect(url)
      channel ??= await connection.createConfirmChannel()
      const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
      channel.publish(exchange, routingKey, bytes, { contentType: 'application/json', ...properties })
      await channel.waitForConfirms()
    },
    async client(clientId) {
      const client = await listen(two.graphqlSocketUrl, await testToken({ sub: clientId }), { clientId })
      clients.push(client)
      await eventually(`a session of ${clientId}`, async () => {
        const { sessions } = await operator<{ sessions: { sessions: { subscriptionCount: number }[] } }>(
          'query ($id: ID!) { sessions(clientId: $id) { sessions { subscriptionCount } } }',
          { id: clientId },
        )
        return sessions.sessions.some(({ subscriptionCount }) => subscriptionCount > 0)
      })
      return client
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client[Symbol.asyncDispose]()
      await browser.close()
      await connection?.close().catch(() => undefined)
      await two[Symbol.asyncDispose]()
      await one[Symbol.asyncDispose]()
      await vhost?.close()
    },
  }
}

/** A client that stops reading its socket when the subscription has begun, until `read`. */
export async function stalledClient(
  { graphqlSocketUrl }: Pick<GatewayProcess, 'graphqlSocketUrl'>,
  clientId: string,
): Promise<AsyncDisposable & { read(): void; readonly received: () => number }> {
  const token = await testToken({ sub: clientId })
  const socket = new WebSocket(graphqlSocketUrl, 'graphql-transport-ws', { perMessageDeflate: false })
  const query = `subscription { channel(clientId: "${clientId}") { data } }`
  let received = 0
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject)
    socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: { token } })))
    socket.on('message', (data) => {
      const { type } = JSON.parse(textOf(data)) as { type: string }
      if (type === 'connection_ack') {
        socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }))
        // Answered in order, so the subscription has begun then.
        socket.send(JSON.stringify({ id: '2', type: 'subscribe', payload: { query: '{ gateway { version } }' } }))
      } else if (type === 'complete') resolve()
      else if (type === 'next') received += 1
    })
  })
  received = 0
  socket.pause()
  return {
    received: () => received,
    read: () => socket.resume(),
    async [Symbol.asyncDispose]() {
      socket.terminate()
    },
  }
}
