/**
 * The source of a contestant's messages: lines on a control port (the load generator sends how many
 * and when), or RabbitMQ. `load/main.c` defines the lines. Each message has its time of publication
 * and its number, in digits that the generator finds in any surroundings.
 */

import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { setImmediate } from 'node:timers'
import { type Channel, type ConsumeMessage, connect } from 'amqplib'

export const exchange = 'bench.events'

export interface Body {
  readonly mark: string
  readonly text: string
}

/**
 * A message as the contestant needs it: in process the object exists and its JSON is printed, from
 * a broker the other way round.
 */
export interface Message {
  readonly value: Body
  readonly json: string
}

class OwnMessage implements Message {
  readonly value: Body
  constructor(value: Body) {
    this.value = value
  }
  get json(): string {
    return JSON.stringify(this.value)
  }
}

class ForeignMessage implements Message {
  readonly #body: Buffer
  constructor(body: Buffer) {
    this.#body = body
  }
  get value(): Body {
    return JSON.parse(this.#body.toString()) as Body
  }
  get json(): string {
    return this.#body.toString()
  }
}

/** `{"mark":"…","text":""}` with its mark. */
const emptyBytes = 48

export function bodyOf(sequence: number, text: string): Body {
  const now = String(process.hrtime.bigint()).padStart(16, '0')
  return { mark: `@${now}#${String(sequence).padStart(10, '0')}`, text }
}

export function filler(bytes: number): string {
  return 'x'.repeat(Math.max(0, bytes - emptyBytes))
}

interface Pace {
  begin(channels: number, bytes: number): void
  publish(count: number, burst: number): void
}

/** What finalizers free is collected in the next run. */
async function collectGarbage(): Promise<void> {
  for (let times = 0; times < 3; times += 1) {
    ;(globalThis as { gc?: () => void }).gc?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Serves the control port; resolves to it. */
export async function listenToGenerator(pace: Pace): Promise<number> {
  const server = createServer((socket: Socket) => {
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    createInterface({ input: socket }).on('line', (line) => {
      const [command, first, second] = line.split(' ')
      if (command === 'S') pace.begin(Number(first), Number(second))
      else if (command === 'P') pace.publish(Number(first), Number(second))
      else if (command === 'G') {
        void collectGarbage().then(() => socket.write('ok\n'))
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** Counts messages and channels, and takes one turn of the event loop for each burst. */
export function paced(publish: (channel: number, sequence: number, text: string) => void): Pace {
  let channels = 1
  let text = ''
  let sequence = 0
  let waiting: { count: number; burst: number }[] = []
  let scheduled = false
  const turn = (): void => {
    scheduled = false
    const [first] = waiting
    if (!first) return
    const now = Math.min(first.count, first.burst)
    first.count -= now
    if (first.count === 0) waiting.shift()
    for (let index = 0; index < now; index += 1) {
      publish(sequence % channels, sequence, text)
      sequence += 1
    }
    schedule()
  }
  const schedule = (): void => {
    if (scheduled || waiting.length === 0) return
    scheduled = true
    setImmediate(turn)
  }
  return {
    begin(wantedChannels, bytes) {
      channels = wantedChannels
      text = filler(bytes)
      sequence = 0
      waiting = []
    },
    publish(count, burst) {
      waiting.push({ count, burst })
      schedule()
    },
  }
}

/** The argument of every contestant: `process`, or the URL of RabbitMQ. */
export function sourceArgument(): string {
  return process.argv[2] ?? 'process'
}

/**
 * Calls `publish` for each message, from the generator's lines or from RabbitMQ over amqplib,
 * without acknowledgements, as in the shortest tutorial. Resolves to the control port; 0 for
 * RabbitMQ, because the publisher has it.
 */
export async function openSource(publish: (channel: string, message: Message) => void): Promise<number> {
  const url = sourceArgument()
  if (url === 'process') {
    return listenToGenerator(
      paced((channel, sequence, text) => publish(`c${channel}`, new OwnMessage(bodyOf(sequence, text)))),
    )
  }
  const channel = await openChannel(url)
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.bindQueue(queue, exchange, 'client.#')
  await channel.consume(
    queue,
    (message) => message && publish(clientOf(message), new ForeignMessage(message.content)),
    {
      noAck: true,
    },
  )
  return 0
}

/** As the gateway reads its journal: src/brokers/rabbitmq/stream/stream-consumer.ts. */
const prefetchMessages = 500
const ackEveryMessages = 200
const ackEveryMs = 200

/** As `openSource`, with a stream instead of a queue. */
export async function openStream(publish: (channel: string, message: Message) => void): Promise<number> {
  const channel = await openChannel(sourceArgument())
  const { queue } = await channel.assertQueue('bench.stream', { arguments: { 'x-queue-type': 'stream' } })
  await channel.bindQueue(queue, exchange, 'client.#')
  await channel.prefetch(prefetchMessages)
  let last: ConsumeMessage | undefined
  let count = 0
  const acknowledge = (): void => {
    if (last) channel.ack(last, true)
    last = undefined
    count = 0
  }
  setInterval(acknowledge, ackEveryMs)
  await channel.consume(
    queue,
    (message) => {
      if (!message) return
      last = message
      count += 1
      publish(clientOf(message), new ForeignMessage(message.content))
      if (count >= ackEveryMessages) acknowledge()
    },
    { arguments: { 'x-stream-offset': 'next' } },
  )
  return 0
}

async function openChannel(url: string): Promise<Channel> {
  const connection = await connect(`${url}?heartbeat=10`, { noDelay: true })
  const channel = await connection.createChannel()
  await channel.assertExchange(exchange, 'topic', { durable: true })
  return channel
}

function clientOf({ fields }: ConsumeMessage): string {
  return fields.routingKey.slice('client.'.length)
}

/** Prints the line that a contestant prints when it accepts clients. */
export function printListening(port: number, control: number): void {
  process.stdout.write(`listening ${port} ${control}\n`)
}
