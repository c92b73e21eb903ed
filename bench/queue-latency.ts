/**
 * What a stream costs a message on its way to a consumer, compared with a classic and a quorum queue,
 * and what RabbitMQ's setting for the busy waiting of its schedulers changes: docs/performance.md.
 * `npm run bench:queues -- [--rate n] [--seconds n] [--rounds n] [--four]`.
 * `--four`: on the RabbitMQ 4 that the long tests install.
 *
 * One process publishes at even intervals and consumes, without acknowledgements where the queue allows
 * it. The queues take turns within each round, and every node is a new one in each round.
 */
import { parseArgs } from 'node:util'
import { type Channel, connect } from 'amqplib'
import { privateRabbit } from '../test/support/rabbitmq/broker.ts'
import { rabbitMq4 } from '../test/support/rabbitmq/rabbitmq-4.ts'
import { machineName, threadSecondsOf } from './machine.ts'
import { median } from './median.ts'

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '6' },
    rounds: { type: 'string', default: '3' },
    four: { type: 'boolean', default: false },
  },
})
const rate = Number(values.rate)
const seconds = Number(values.seconds)
const rounds = Number(values.rounds)

const queueTypes = ['classic', 'quorum', 'stream'] as const
type QueueType = (typeof queueTypes)[number]

/**
 * Values of RABBITMQ_SCHEDULER_BUSY_WAIT_THRESHOLD, which sets the three flags below: how long the
 * schedulers of the Erlang VM look for work before they sleep. `none` is RabbitMQ's default since 3.9
 * (https://github.com/rabbitmq/rabbitmq-server/pull/2803).
 */
const thresholds = ['none', 'very_short', 'medium', 'very_long'] as const

interface Figures {
  /** From publication to arrival, in µs. */
  readonly p50: number
  readonly p99: number
  /** Processors that RabbitMQ used. */
  readonly busy: number
}

async function consumeInto(channel: Channel, queue: string, type: QueueType, arrived: number[]): Promise<void> {
  const isStream = type === 'stream'
  if (isStream) await channel.prefetch(500)
  await channel.consume(
    queue,
    (message) => {
      if (!message) return
      arrived.push(Number(process.hrtime.bigint() - message.content.readBigUInt64BE(0)) / 1000)
      if (isStream) channel.ack(message)
    },
    isStream ? { arguments: { 'x-stream-offset': 'next' } } : { noAck: true },
  )
}

async function measure(url: string, pid: number, type: QueueType): Promise<Figures> {
  const publishing = await connect(url, { noDelay: true })
  const consuming = await connect(url, { noDelay: true })
  const queue = `latency.${type}`
  const arrived: number[] = []
  try {
    const publisher = await publishing.createChannel()
    await publisher.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': type } })
    const channel = await consuming.createChannel()
    await consumeInto(channel, queue, type, arrived)
    const publish = (): void => {
      const body = Buffer.alloc(200)
      body.writeBigUInt64BE(process.hrtime.bigint(), 0)
      publisher.sendToQueue(queue, body, { persistent: true })
    }
    // The first second compiles the code.
    await publishEvenly(rate, publish)
    arrived.length = 0
    const before = { at: performance.now(), cpu: threadSecondsOf(pid) }
    await publishEvenly(rate * seconds, publish)
    const busy = (threadSecondsOf(pid) - before.cpu) / ((performance.now() - before.at) / 1000)
    await publisher.deleteQueue(queue)
    return { ...percentiles(arrived, type), busy }
  } finally {
    await Promise.all([publishing.close(), consuming.close()])
  }
}

function percentiles(arrived: readonly number[], type: QueueType): Pick<Figures, 'p50' | 'p99'> {
  const sorted = arrived.toSorted((one, other) => one - other)
  if (sorted.length < rate * seconds * 0.99) throw new Error(`${type}: only ${sorted.length} messages arrived`)
  const at = (part: number): number => sorted[Math.floor(sorted.length * part)] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99) }
}

/** Calls `publish` `count` times; resolves a tenth of a second after the last. */
async function publishEvenly(count: number, publish: () => void): Promise<void> {
  const start = performance.now()
  for (let done = 0; done < count; ) {
    const due = Math.min(count, Math.floor(((performance.now() - start) / 1000) * rate))
    for (; done < due; done += 1) publish()
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await new Promise((resolve) => setTimeout(resolve, 100))
}

const root = values.four ? (await rabbitMq4()).root : undefined
const results = new Map<string, Figures[]>()
for (let round = 0; round < rounds; round += 1) {
  for (const threshold of thresholds) {
    const erlangFlags = `+sbwt ${threshold} +sbwtdcpu ${threshold} +sbwtdio ${threshold}`
    const rabbit = await privateRabbit('latency', root, { erlangFlags })
    try {
      const pid = Number((await rabbit.ctl('eval', 'os:getpid().')).replaceAll('"', ''))
      if (results.size === 0) {
        const [version] = (await rabbit.ctl('version')).trim().split('\n').slice(-1)
        console.log(`${machineName()}; RabbitMQ ${version}, ${rate} messages of 200 bytes a second, ${rounds} rounds`)
      }
      for (const type of queueTypes) {
        const key = `${threshold} | ${type}`
        results.set(key, [...(results.get(key) ?? []), await measure(rabbit.url(), pid, type)])
      }
    } finally {
      await rabbit.remove()
    }
  }
}
console.log('| busy waiting | queue | p50, µs | p99, µs | processors of RabbitMQ |\n|---|---|---|---|---|')
for (const [key, figures] of results) {
  const of = (read: (one: Figures) => number): number => median(figures.map(read))
  const [p50, p99] = [of((one) => one.p50), of((one) => one.p99)].map(Math.round)
  console.log(`| ${key} | ${p50} | ${p99} | ${of(({ busy }) => busy).toFixed(2)} |`)
}
