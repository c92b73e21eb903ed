/**
 * What a reader uses for messages that wait for it: it is stopped (SIGSTOP) while they are
 * published, and continues then.
 */
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { connect } from 'amqplib'
import { startGateway } from '../../test/support/gateway/gateway-process.ts'
import { filler } from '../contestants/source.ts'
import { pin, threadSecondsOf } from '../machine.ts'

/** Rarely, because printing its metrics takes a gateway as long as some hundred messages. */
const pollMs = 250

export interface Reader {
  readonly pid: number
  /** How many messages it has received. */
  received(): Promise<number>
  close(): Promise<void>
}

/** Messages with a text of this many bytes, each with a routing key of its own. */
export interface Backlog {
  readonly exchange: string
  readonly messages: number
  readonly bytes: number
  readonly keyOf: (index: number) => string
}

export interface Reading {
  readonly seconds: number
  /** Processor time of all threads, in seconds. */
  readonly cpuSeconds: number
}

/** A gateway with one processor of its own. */
export async function startReplica(
  url: string,
  namespace: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Reader> {
  const gateway = await startGateway({
    env: { WARREN_BROKER_URL: url, WARREN_NAMESPACE: namespace, WARREN_LOG_LEVEL: 'error', ...env },
  })
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

/** `share`: how many of the messages are for this reader. */
export async function readBacklog(
  reader: Reader,
  url: string,
  backlog: Backlog,
  share = backlog.messages,
): Promise<Reading> {
  const before = await reader.received()
  process.kill(reader.pid, 'SIGSTOP')
  await publish(url, backlog)
  const cpu = threadSecondsOf(reader.pid)
  const began = performance.now()
  process.kill(reader.pid, 'SIGCONT')
  while ((await reader.received()) < before + share) await pause(pollMs)
  return { seconds: (performance.now() - began) / 1_000, cpuSeconds: threadSecondsOf(reader.pid) - cpu }
}

async function publish(url: string, { exchange, messages, bytes, keyOf }: Backlog): Promise<void> {
  const connection = await connect(url, { noDelay: true })
  const channel = await connection.createConfirmChannel()
  await channel.assertExchange(exchange, 'topic', { durable: true })
  const body = Buffer.from(JSON.stringify({ text: filler(bytes) }))
  for (let index = 0; index < messages; index += 1) {
    const options = { contentType: 'application/json', messageId: `backlog-${process.hrtime.bigint()}` }
    if (!channel.publish(exchange, keyOf(index), body, options)) await once(channel, 'drain')
  }
  await channel.waitForConfirms()
  await connection.close()
}
