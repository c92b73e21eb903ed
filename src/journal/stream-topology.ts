import { randomBytes, randomUUID } from 'node:crypto'
import type { Channel, ChannelModel } from 'amqplib'
import { GatewayError } from '../errors.ts'
import type { Publish } from './link.ts'

export interface Retention {
  readonly maxAgeMs: number
  readonly maxBytes: number
}

/**
 * Told the sealed keys that the log of epochs has, the latest at the end; answers the one to write
 * there. So replicas that share no registry agree on one key before any of them prints a cursor:
 * they read and write the log under a lock.
 */
export type AgreeOnKey = (sealed: readonly string[]) => Promise<string>

const lockTimeoutMs = 15_000
const lockRetryMs = 100
const epochTimeoutMs = 10_000
/** A record that was confirmed and that doesn't come is written again: while a node boots, streams forget what it confirms. */
const probeAgainMs = 500
/** What may differ from the stream that stands: see `declare`. */
const retentionArguments = new Set(['x-max-age', 'x-max-length-bytes', 'x-stream-max-segment-size-bytes'])
/** The log of epochs is a few bytes a start. */
const epochRetention = { maxBytes: 1024 * 1024, segmentBytes: 128 * 1024 }
/** Retention acts when a segment is full, so a segment is a small part of it; within what RabbitMQ takes. */
const segmentsInRetention = 20
const minSegmentBytes = 256 * 1024
const maxSegmentBytes = 500_000_000

/**
 * Makes sure that the journal is there, and tells its epoch: the name of this life of it. AMQP 0-9-1 can neither read a queue's
 * arguments nor tell who declared it first, so the epochs are kept in a small stream beside it, under a lock that is
 * an exclusive queue: of several replicas exactly one makes the journal and writes its epoch, before it makes it.
 *
 * What the gateway itself writes goes through a direct exchange of the journal's name, so that
 * Warren's RabbitMQ user needs no right on the default exchange.
 */
export async function ensureJournal(
  connection: ChannelModel,
  options: {
    name: string
    retention: Retention
    publish: Publish
    signal: AbortSignal
    agreeOnKey?: AgreeOnKey | undefined
  },
): Promise<string> {
  const { name, retention, publish, signal, agreeOnKey } = options
  const epochs = epochsOf(name)
  const release = await lock(connection, `${name}.lock`, signal)
  try {
    await declare(connection, epochs, {
      'x-max-length-bytes': epochRetention.maxBytes,
      'x-stream-max-segment-size-bytes': epochRetention.segmentBytes,
    })
    await onOwnChannel(connection, async (channel) => {
      await channel.assertExchange(name, 'direct', { durable: true })
      await channel.bindQueue(epochs, name, epochs)
    })
    const known = await readEpochs(connection, name, publish, signal)
    const exists = await queueExists(connection, name)
    const epoch = exists && known.epoch !== undefined ? known.epoch : randomBytes(8).toString('hex')
    const key = await agreeOnKey?.(known.keys)
    await publish(record(name, key === undefined ? { epoch } : { epoch, key }))
    await declare(connection, name, limitsOf(retention))
    await onOwnChannel(connection, (channel) => channel.bindQueue(name, name, name))
    return epoch
  } finally {
    await release()
  }
}

/** A bound that was not set is infinite, and is not told. */
function limitsOf({ maxAgeMs, maxBytes }: Retention): Record<string, unknown> {
  const segmentBytes = Math.round(maxBytes / segmentsInRetention)
  return {
    ...(Number.isFinite(maxAgeMs) ? { 'x-max-age': `${Math.ceil(maxAgeMs / 1000)}s` } : {}),
    ...(Number.isFinite(maxBytes) ? { 'x-max-length-bytes': maxBytes } : {}),
    'x-stream-max-segment-size-bytes': Math.min(maxSegmentBytes, Math.max(minSegmentBytes, segmentBytes)),
  }
}

/** Runs on a channel of its own, for an error there closes the channel. */
async function onOwnChannel<Result>(
  connection: ChannelModel,
  run: (channel: Channel) => Promise<Result>,
): Promise<Result> {
  const channel = await connection.createChannel()
  let broken = false
  channel.on('error', () => {
    broken = true
  })
  channel.on('close', () => {
    broken = true
  })
  try {
    return await run(channel)
  } finally {
    // Not waited for: amqplib never settles it where the connection is lost meanwhile, and what was asked for has been answered.
    if (!broken) channel.close().catch(() => undefined)
  }
}

async function lock(connection: ChannelModel, name: string, signal: AbortSignal): Promise<() => Promise<void>> {
  const deadline = Date.now() + lockTimeoutMs
  for (;;) {
    signal.throwIfAborted()
    try {
      await onOwnChannel(connection, (channel) =>
        channel.assertQueue(name, { exclusive: true, durable: false, arguments: { 'x-queue-type': 'classic' } }),
      )
      return async () => {
        // Where the connection is gone, the lock went with it.
        await onOwnChannel(connection, (channel) => channel.deleteQueue(name)).catch(() => undefined)
      }
    } catch (error) {
      if (codeOf(error) !== 405 || Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, lockRetryMs * (0.5 + Math.random())))
    }
  }
}

async function queueExists(connection: ChannelModel, name: string): Promise<boolean> {
  try {
    await onOwnChannel(connection, (channel) => channel.checkQueue(name))
    return true
  } catch (error) {
    // A stream whose node is still booting is answered with 404 too ("… down or inaccessible"), and must not be taken for one that is gone.
    if (codeOf(error) === 404 && /no queue/.test(String(error))) return false
    throw error
  }
}

/** A stream that stands with another retention is taken as it is: RabbitMQ changes that by policy, not by declaring again. */
async function declare(connection: ChannelModel, name: string, limits: Record<string, unknown>): Promise<void> {
  try {
    await onOwnChannel(connection, (channel) =>
      channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': 'stream', ...limits } }),
    )
  } catch (error) {
    if (codeOf(error) !== 406) throw error
    const argument = /inequivalent arg '([^']+)'/.exec(String(error))?.[1] ?? ''
    if (retentionArguments.has(argument)) return
    throw new GatewayError(
      'SOURCE_CONFLICT',
      `queue "${name}" exists and is no stream as the journal needs it (${argument} differs): delete it, or set another WARREN_NAMESPACE`,
      { cause: error },
    )
  }
}

interface EpochLog {
  /** The last one. */
  readonly epoch: string | undefined
  /** Sealed, each once, the one that was written last at the end. */
  readonly keys: readonly string[]
}

/** Reads the log of epochs up to a record written just now; the last epoch before it is the current one. */
function readEpochs(connection: ChannelModel, name: string, publish: Publish, signal: AbortSignal): Promise<EpochLog> {
  const epochs = epochsOf(name)
  return onOwnChannel(connection, async (channel) => {
    const probe = randomUUID()
    await publish(record(name, { probe }))
    await channel.prefetch(100)
    return await new Promise<EpochLog>((resolve, reject) => {
      const again = setInterval(() => void publish(record(name, { probe })).catch(() => undefined), probeAgainMs)
      const timer = setTimeout(
        () => reject(new Error(`no answer from stream "${epochs}" within ${epochTimeoutMs} ms`)),
        epochTimeoutMs,
      )
      const settle = (finish: () => void): void => {
        clearTimeout(timer)
        clearInterval(again)
        signal.removeEventListener('abort', abort)
        finish()
      }
      const abort = (): void => settle(() => reject(new Error('the connection was lost')))
      signal.addEventListener('abort', abort)
      let epoch: string | undefined
      const keys = new Set<string>()
      channel
        .consume(
          epochs,
          (message) => {
            if (!message) return settle(() => reject(new Error(`stream "${epochs}" was deleted while it was read`)))
            const written = parse(message.content)
            if (typeof written.epoch === 'string' && /^[0-9a-f]{16}$/.test(written.epoch)) epoch = written.epoch
            // In the order in which each was written last.
            if (typeof written.key === 'string') {
              keys.delete(written.key)
              keys.add(written.key)
            }
            channel.ack(message)
            if (written.probe === probe) settle(() => resolve({ epoch, keys: [...keys] }))
          },
          { arguments: { 'x-stream-offset': 'first' } },
        )
        .catch((error: unknown) => settle(() => reject(error instanceof Error ? error : new Error(String(error)))))
    })
  })
}

function epochsOf(journal: string): string {
  return `${journal}.epoch`
}

function record(journal: string, content: Record<string, string>) {
  return {
    exchange: journal,
    routingKey: epochsOf(journal),
    body: Buffer.from(JSON.stringify(content)),
    properties: { messageId: randomUUID() },
  }
}

function parse(content: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(content.toString())
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** AMQP's reply code of a channel or connection error, as amqplib attaches it. */
function codeOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'number' ? error.code : undefined
}
