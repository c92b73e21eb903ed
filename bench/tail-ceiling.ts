/**
 * How fast one replica reads the journal, when messages wait for it and none has a subscriber: the most
 * that a deployment with one journal can carry. Beside it an amqplib consumer of the same stream.
 * `npm run bench:tail -- [--messages n] [--bytes n] [--rounds n]`.
 *
 * The reader is stopped (SIGSTOP) while the messages are published, and continues then. The reader
 * has one processor, RabbitMQ the other.
 */
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { connect } from 'amqplib'
import { startGateway } from '../test/support/gateway/gateway-process.ts'
import { build, compiled } from './build.ts'
import { exchange, filler } from './contestants/source.ts'
import { describeMachine, pin, startNode, threadSecondsOf } from './machine.ts'
import { median } from './median.ts'
import { startBroker } from './rabbit/broker.ts'

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '200000' },
    bytes: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '3' },
  },
})
const messages = Number(values.messages)
/** Rarely, because printing its metrics takes a gateway as long as some hundred messages. */
const pollMs = 250

interface Reader {
  readonly pid: number
  /** How many messages it has received. */
  received(): Promise<number>
  close(): Promise<void>
}

interface Figures {
  readonly perSecond: number
  readonly cpuMicros: number
  /** The share of its processor that the reader used. */
  readonly busy: number
}

async function startWarren(url: string, namespace: string): Promise<Reader> {
  const env = { WARREN_BROKER_URL: url, WARREN_NAMESPACE: namespace, WARREN_LOG_LEVEL: 'error' }
  const gateway = await startGateway({ env })
  pin(gateway.pid, 'server')
  return {
    pid: gateway.pid,
    async received() {
      const text = await gateway.metrics()
      const counts = text.matchAll(/^warren_messages_received_total\{[^}]*\} (\d+)$/gm)
      return Array.from(counts, ([, count]) => Number(count)).reduce((sum, one) => sum + one, 0)
    },
    close: async () => gateway[Symbol.asyncDispose](),
  }
}

async function startAmqplib(url: string): Promise<Reader> {
  const reader = await startNode(compiled('rabbit/stream-reader'), [url], 'server')
  return {
    pid: reader.pid,
    received: async () => Number(await (await fetch(`http://127.0.0.1:${reader.port}`)).text()),
    close: () => reader.stop(),
  }
}

async function publish(url: string, to: string): Promise<void> {
  const connection = await connect(url, { noDelay: true })
  const channel = await connection.createConfirmChannel()
  await channel.assertExchange(to, 'topic', { durable: true })
  const body = Buffer.from(JSON.stringify({ text: filler(Number(values.bytes)) }))
  for (let count = 0; count < messages; count += 1) {
    const options = { contentType: 'application/json', messageId: `ceiling-${process.hrtime.bigint()}` }
    if (!channel.publish(to, `client.c${count % 1_000}`, body, options)) await once(channel, 'drain')
  }
  await channel.waitForConfirms()
  await connection.close()
}

async function measure(reader: Reader, url: string, to: string): Promise<Figures> {
  const before = await reader.received()
  process.kill(reader.pid, 'SIGSTOP')
  await publish(url, to)
  const cpu = threadSecondsOf(reader.pid)
  const began = performance.now()
  process.kill(reader.pid, 'SIGCONT')
  while ((await reader.received()) < before + messages) await pause(pollMs)
  const seconds = (performance.now() - began) / 1_000
  const used = threadSecondsOf(reader.pid) - cpu
  return { perSecond: messages / seconds, cpuMicros: (used / messages) * 1e6, busy: used / seconds }
}

await build()
const broker = await startBroker()
try {
  console.log(`${describeMachine()}; ${messages} messages of ${values.bytes} bytes`)
  const readers = {
    Warren: { start: () => startWarren(broker.url, 'ceiling'), to: 'ceiling.events' },
    amqplib: { start: () => startAmqplib(broker.url), to: exchange },
  }
  const results = new Map<string, Figures[]>()
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const [name, { start, to }] of Object.entries(readers)) {
      const reader = await start()
      try {
        // The first messages compile the code.
        await measure(reader, broker.url, to)
        results.set(name, [...(results.get(name) ?? []), await measure(reader, broker.url, to)])
      } finally {
        await reader.close()
      }
    }
  }
  console.log('| | messages a second | CPU µs a message | of its processor |\n|---|---|---|---|')
  for (const [name, figures] of results) {
    const of = (read: (one: Figures) => number): number => median(figures.map(read))
    const perSecond = Math.round(of((one) => one.perSecond)).toLocaleString('en')
    const cpu = of((one) => one.cpuMicros).toFixed(1)
    console.log(`| ${name} | ${perSecond} | ${cpu} | ${of((one) => one.busy).toFixed(2)} |`)
  }
} finally {
  await broker.close()
}
