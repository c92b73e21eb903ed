/**
 * How fast one replica reads the journal, when messages wait for it and none has a subscriber: the most
 * that a deployment with one journal can carry. Beside it an amqplib consumer of the same stream.
 * `npm run bench:tail -- [--messages n] [--bytes n] [--rounds n]`.
 *
 * The reader has one processor, RabbitMQ the other.
 */
import { parseArgs } from 'node:util'
import { build, compiled } from './build.ts'
import { exchange } from './contestants/source.ts'
import { describeMachine, startNode } from './machine.ts'
import { median } from './median.ts'
import { type Backlog, type Reader, readBacklog, startReplica } from './rabbit/backlog.ts'
import { startBroker } from './rabbit/broker.ts'

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '200000' },
    bytes: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '3' },
  },
})
const messages = Number(values.messages)

interface Figures {
  readonly perSecond: number
  readonly cpuMicros: number
  /** The share of its processor that the reader used. */
  readonly busy: number
}

async function startAmqplib(url: string): Promise<Reader> {
  const reader = await startNode(compiled('rabbit/stream-reader'), [url], 'server')
  return {
    pid: reader.pid,
    received: async () => Number(await (await fetch(`http://127.0.0.1:${reader.port}`)).text()),
    close: () => reader.stop(),
  }
}

async function measure(reader: Reader, url: string, to: string): Promise<Figures> {
  const backlog: Backlog = {
    exchange: to,
    messages,
    bytes: Number(values.bytes),
    keyOf: (index) => `client.c${index % 1_000}`,
  }
  const { seconds, cpuSeconds } = await readBacklog(reader, url, backlog)
  return { perSecond: messages / seconds, cpuMicros: (cpuSeconds / messages) * 1e6, busy: cpuSeconds / seconds }
}

await build()
const broker = await startBroker()
try {
  console.log(`${describeMachine()}; ${messages} messages of ${values.bytes} bytes`)
  const readers = {
    Warren: { start: () => startReplica(broker.url, 'ceiling'), to: 'ceiling.events' },
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
