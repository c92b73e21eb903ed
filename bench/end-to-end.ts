/**
 * Messages a second from a RabbitMQ exchange to one GraphQL subscriber: Warren compared with the
 * plain stack (Yoga, graphql-ws, graphql-amqp-subscriptions), in turns on one broker, and the
 * median of the ratios. `npm run bench -- [messages] [rounds]`.
 *
 * The subscriber is a bare WebSocket that counts frames and recognises only the last one; it and
 * the publisher are processes of their own, and the same for both. CPU is what the server's process
 * used, from first publication to last frame.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { WebSocket } from 'ws'
import { startGateway, testToken } from '../test/support/gateway/gateway-process.ts'
import { privateRabbit } from '../test/support/rabbitmq/broker.ts'
import { cpuOf } from './machine.ts'
import { median } from './median.ts'

const [messages = 20_000, rounds = 5] = process.argv.slice(2).map(Number)
const bytes = 200

interface Contestant {
  readonly name: string
  readonly url: string
  readonly token?: string
  readonly exchange: string
  readonly pid: number
}

interface Result {
  readonly perSecond: number
  readonly cpuMicros: number
}

function script(file: string, ...args: string[]): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', new URL(file, import.meta.url).pathname, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

async function run({ url, token, exchange, pid }: Contestant, rabbit: string): Promise<Result> {
  const socket = new WebSocket(url, 'graphql-transport-ws')
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'connection_init', payload: token === undefined ? {} : { token } }))
  await once(socket, 'message')
  const query = 'subscription { channel(clientId: "bench") { data } }'
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }))
  // The plain stack does not report when its queue is bound: publish until one message arrives.
  await firstMessage(socket, rabbit, exchange)

  let received = 0
  const last = `"number":${messages - 1},`
  const done = new Promise<number>((resolve) => {
    socket.on('message', (data: Buffer) => {
      received += 1
      if (data.includes(last)) resolve(performance.now())
    })
  })
  const before = cpuOf(pid)
  const began = performance.now()
  const publisher = script('./publisher.ts', rabbit, exchange, 'client.bench', String(messages), String(bytes))
  const exited = once(publisher, 'exit')
  const started = once(socket, 'message').then(() => performance.now())
  const ended = await done
  await exited
  const used = cpuOf(pid) - before
  socket.terminate()
  if (received < messages) throw new Error(`${url}: ${received} of ${messages} came (began ${began})`)
  return { perSecond: (messages / (ended - (await started))) * 1000, cpuMicros: used / messages }
}

async function firstMessage(socket: WebSocket, rabbit: string, exchange: string): Promise<void> {
  for (;;) {
    const arrived = once(socket, 'message')
    const publisher = script('./publisher.ts', rabbit, exchange, 'client.bench', '1', '40')
    await once(publisher, 'exit')
    const outcome = await Promise.race([arrived, new Promise((resolve) => setTimeout(resolve, 500, 'again'))])
    if (outcome !== 'again') return
  }
}

const rabbit = await privateRabbit('bench')
const gateway = await startGateway({ env: { WARREN_BROKER_URL: rabbit.url() } })
const plain = script('./contestants/yoga.ts', rabbit.url())
const [line] = (await once(createInterface({ input: plain.stdout as NodeJS.ReadableStream }), 'line')) as [string]
try {
  const contestants: Contestant[] = [
    {
      name: 'Warren',
      url: gateway.graphqlSocketUrl,
      token: await testToken({ sub: 'bench' }),
      exchange: 'warren.events',
      pid: gateway.pid,
    },
    {
      name: 'plain stack',
      url: `ws://127.0.0.1:${line.split(' ')[1]}/graphql`,
      exchange: 'bench.events',
      pid: plain.pid ?? 0,
    },
  ]
  const results = new Map(contestants.map(({ name }) => [name, [] as Result[]]))
  for (let round = 0; round <= rounds; round += 1) {
    // The order changes from round to round; the first round warms both up and does not count.
    for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed()) {
      const result = await run(contestant, rabbit.url())
      process.stderr.write(
        `${round === 0 ? 'warm-up' : `round ${round}`}: ${contestant.name} ${Math.round(result.perSecond)} a second\n`,
      )
      if (round > 0) results.get(contestant.name)?.push(result)
    }
  }
  const warren = results.get('Warren') ?? []
  const other = results.get('plain stack') ?? []
  console.log(
    `${messages} messages of ${bytes} bytes, one exchange, one subscriber, ${rounds} rounds after one to warm up\n`,
  )
  console.log('| | messages a second | CPU µs a message |\n|---|---|---|')
  for (const [name, runs] of results) {
    const perSecond = Math.round(median(runs.map((run) => run.perSecond)))
    console.log(`| ${name} | ${perSecond} | ${median(runs.map((run) => run.cpuMicros)).toFixed(0)} |`)
  }
  const ratio = (pick: (run: Result) => number): string =>
    median(warren.map((run, round) => pick(run) / pick(other[round] as Result))).toFixed(2)
  console.log(
    `| Warren ÷ plain stack, median of rounds | ${ratio((r) => r.perSecond)} | ${ratio((r) => r.cpuMicros)} |`,
  )
} finally {
  plain.kill()
  await gateway.stop()
  await rabbit.remove()
}
process.exit(0)
