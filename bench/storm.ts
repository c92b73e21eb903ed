/**
 * A thousand clients reconnect at once, each 100 messages behind: how long until all have caught
 * up, and the CPU of the gateway and of the clients, for the hot window and for the stream. `npm
 * run bench:storm -- [rounds]`. The clients are one process, this one, on the same cores.
 */
import { once } from 'node:events'
import amqp from 'amqplib'
import { WebSocket } from 'ws'
import { eventually } from '../test/support/eventually.ts'
import { connectGraphql } from '../test/support/frames/graphql-frames.ts'
import { type GatewayProcess, startGateway, testToken } from '../test/support/gateway/gateway-process.ts'
import { privateRabbit } from '../test/support/rabbitmq/broker.ts'
import { cpuOf } from './machine.ts'

const rounds = Number(process.argv[2] ?? 3)
const clients = 1_000
const behind = 100
const query =
  'subscription ($clientId: ID!, $after: Cursor) { channel(clientId: $clientId, after: $after) { kind data } }'

const rabbit = await privateRabbit('storm')
const token = await testToken({ sub: 'everybody', scope: 'channel:#' })
const env = { WARREN_BROKER_URL: rabbit.url() }
const gateways: Record<string, GatewayProcess> = {
  'the hot window': await startGateway({ env }),
  'the stream': await startGateway({ env: { ...env, WARREN_HOT_WINDOW: '1s,64KiB' } }),
}
try {
  const cursor = await positionOfNow(Object.values(gateways)[0] as GatewayProcess)
  await publishBacklog()
  for (const [name, gateway] of Object.entries(gateways)) {
    await eventually('the tail to have all messages', async () => (await receivedBy(gateway)) >= clients * behind, {
      withinMs: 60_000,
    })
    for (let round = 1; round <= rounds; round += 1) {
      const before = { gateway: cpuOf(gateway.pid), clients: cpuOf(process.pid), at: performance.now() }
      const sockets = await Promise.all(
        Array.from({ length: clients }, (_, client) => catchUp(gateway, client, cursor)),
      )
      const tookMs = performance.now() - before.at
      const cpuMs = (pid: number, since: number) => Math.round((cpuOf(pid) - since) / 1_000)
      console.log(
        `${clients} clients, each ${behind} behind, from ${name}: ${Math.round(tookMs)} ms; ` +
          `processor time: gateway ${cpuMs(gateway.pid, before.gateway)} ms, clients ${cpuMs(process.pid, before.clients)} ms`,
      )
      for (const socket of sockets) socket.terminate()
    }
  }
} finally {
  for (const gateway of Object.values(gateways)) await gateway[Symbol.asyncDispose]()
  await rabbit.remove()
}

async function positionOfNow(gateway: GatewayProcess): Promise<string> {
  await using client = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token } })
  const { data } = await client.request('{ history(clientId: "unused") { cursor } }')
  return (data as { history: { cursor: string } }).history.cursor
}

async function publishBacklog(): Promise<void> {
  const connection = await amqp.connect(rabbit.url())
  const channel = await connection.createConfirmChannel()
  for (let number = 1; number <= behind; number += 1) {
    for (let client = 0; client < clients; client += 1) {
      channel.publish('warren.events', `client.c${client}`, Buffer.from(String(number)))
    }
    await channel.waitForConfirms()
  }
  await connection.close()
}

async function receivedBy(gateway: GatewayProcess): Promise<number> {
  return Number(/^warren_messages_received_total\{.*\} (\d+)/m.exec(await gateway.metrics())?.[1] ?? 0)
}

async function catchUp(gateway: GatewayProcess, client: number, after: string): Promise<WebSocket> {
  const socket = new WebSocket(gateway.graphqlSocketUrl, 'graphql-transport-ws', { perMessageDeflate: false })
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'connection_init', payload: { token } }))
  await once(socket, 'message')
  const variables = { clientId: `c${client}`, after }
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables } }))
  return new Promise((resolve, reject) => {
    let received = 0
    socket.on('message', () => {
      received += 1
      if (received === behind) resolve(socket)
    })
    socket.on('close', (code) => reject(new Error(`closed with ${code} after ${received} of ${behind} messages`)))
  })
}
