/**
 * What misbehaving peers cost their neighbours: the latency of healthy subscribers of one channel,
 * alone and next to a peer that does not read, one that floods with subscribe frames, and
 * connections that open and close, in turns against one gateway. `npm run bench:peers -- [rounds]
 * [healthy] [messages a second]`. The latency is from publication to a subscriber, both in this
 * process, on the same cores as everything else: compare the figures, and do not take them as
 * absolute.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import amqp from 'amqplib'
import { WebSocket } from 'ws'
import { eventually } from '../test/support/eventually.ts'
import { startGateway, testToken } from '../test/support/gateway/gateway-process.ts'
import { privateRabbit } from '../test/support/rabbitmq/broker.ts'
import { median } from './median.ts'

const [rounds = 3, healthy = 999, rate = 20] = process.argv.slice(2).map(Number)
const roundMs = 8_000
const query = 'subscription ($clientId: ID!) { channel(clientId: $clientId) { data } }'

const rabbit = await privateRabbit('peers')
const token = await testToken({ scope: 'channel:#' })
await using gateway = await startGateway({ env: { WARREN_BROKER_URL: rabbit.url(), WARREN_KEEP_ALIVE: '10m' } })
const connection = await amqp.connect(rabbit.url())
const channel = await connection.createConfirmChannel()

async function subscriber(clientId: string, onMessage: (data: Buffer) => void): Promise<WebSocket> {
  const socket = new WebSocket(gateway.graphqlSocketUrl, 'graphql-transport-ws', { perMessageDeflate: false })
  socket.on('error', () => {})
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'connection_init', payload: { token } }))
  await once(socket, 'message')
  socket.on('message', onMessage)
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables: { clientId } } }))
  return socket
}

function publish(clientId: string, body: string): void {
  channel.publish('warren.events', `client.${clientId}`, Buffer.from(body), { contentType: 'application/json' })
}

/** The load next to the healthy subscribers; resolves to the function that ends it. */
const beside: Record<string, () => Promise<() => void>> = {
  nothing: async () => () => {},
  'one that reads nothing': async () => {
    const stalled = await subscriber('stalled', () => {})
    stalled.send(JSON.stringify({ id: '2', type: 'subscribe', payload: { query, variables: { clientId: 'shared' } } }))
    stalled.pause()
    // Until all of its queues are full.
    for (let count = 0; count < 4_000; count += 1) {
      publish('stalled', JSON.stringify('x'.repeat(4_096)))
      if (count % 100 === 0) await channel.waitForConfirms()
    }
    return () => stalled.terminate()
  },
  'one that floods': async () => {
    const flooding = await subscriber('flooding', () => {})
    let on = true
    const frame = JSON.stringify({ id: 'f', type: 'subscribe', payload: { query: '{ gateway { version } }' } })
    const flood = (): void => {
      if (!on) return
      for (let count = 0; count < 20 && flooding.bufferedAmount < 65_536; count += 1) flooding.send(frame)
      setTimeout(flood, 5)
    }
    flood()
    return () => {
      on = false
      flooding.terminate()
    }
  },
  'connections that come and go': async () => {
    const over = new AbortController()
    const openAndClose = async (): Promise<void> => {
      while (!over.signal.aborted) (await subscriber('passing', () => {})).terminate()
    }
    const done = openAndClose()
    return () => {
      over.abort()
      void done
    }
  },
}

let latencies: number[] = []
let received = 0
await Promise.all(
  Array.from({ length: healthy }, () =>
    subscriber('shared', (data) => {
      received += 1
      latencies.push(performance.now() - Number(/"data":(\d+\.?\d*)/.exec(data.toString('latin1'))?.[1]))
    }),
  ),
)

const p99s = new Map<string, number[]>()
let sentInAll = 0
for (let round = 1; round <= rounds; round += 1) {
  for (const [name, begin] of Object.entries(beside)) {
    const end = await begin()
    latencies = []
    received = 0
    const sent = (roundMs / 1_000) * rate
    for (let count = 0; count < sent; count += 1) {
      publish('shared', String(performance.now()))
      await new Promise((resolve) => setTimeout(resolve, 1_000 / rate))
    }
    await eventually('all subscribers to receive everything', () => received === sent * healthy, {
      withinMs: 20_000,
    }).catch(console.error)
    sentInAll += sent
    latencies.sort((a, b) => a - b)
    const at = (part: number) => latencies[Math.floor(latencies.length * part)] ?? Number.NaN
    p99s.set(name, [...(p99s.get(name) ?? []), at(0.99)])
    const resident =
      Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1]) / 1024
    console.log(
      `${healthy} healthy beside ${name}: received ${received} of ${sent * healthy}; ` +
        `p50 ${at(0.5).toFixed(1)} ms, p99 ${at(0.99).toFixed(1)} ms; the gateway holds ${Math.round(resident)} MiB`,
    )
    end()
  }
}
for (const [name, values] of p99s) {
  console.log(`p99 beside ${name} ÷ beside nothing: ${(median(values) / median(p99s.get('nothing') ?? [])).toFixed(2)}`)
}
console.log(`${sentInAll} messages in all`)
await connection.close()
await rabbit.remove()
process.exit(0)
