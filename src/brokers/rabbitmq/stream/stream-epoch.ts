import { randomBytes } from 'node:crypto'
import { withDeadline } from '../../../core/timing/deadline.ts'
import { jitterAround } from '../../../core/timing/jitter.ts'
import { pause } from '../../../core/timing/pause.ts'
import { GatewayError } from '../../../errors.ts'
import type { WindowBounds } from '../../../hot-window/hot-window.ts'
import type { AgreeOnKey } from '../../driver.ts'
import type { Channel, ChannelModel } from '../connection/amqp.ts'
import type { ConnectionSession } from '../connection/reconnecting-connection.ts'
import { EpochLog, epochsOf } from './epoch-log.ts'
import { NoAnswerInTime } from './no-answer.ts'

const lockTimeoutMs = 15_000
const lockRetryMs = 100
/** What RabbitMQ is given to answer one piece of work on a channel, in milliseconds. */
const answerMs = 5_000
/** And to bind what is probably bound, while the epoch has been read, in milliseconds. */
const bindMs = 200
/** What may differ from the stream that stands: see `declare`. */
const retentionArguments = new Set(['x-max-age', 'x-max-length-bytes', 'x-stream-max-segment-size-bytes'])
/** The log of epochs is a few bytes a start. */
const epochRetention = { maxBytes: 1024 * 1024, segmentBytes: 128 * 1024 }
/**
 * Retention acts when a segment is full, so a segment is a small part of it; within what RabbitMQ
 * takes.
 */
const segmentsInRetention = 20
const minSegmentBytes = 256 * 1024
const maxSegmentBytes = 500_000_000

/** Which journal is to be there. */
export interface JournalTopology {
  readonly name: string
  readonly retention: WindowBounds
  readonly agreeOnKey?: AgreeOnKey | undefined
}

/**
 * Makes sure that the journal is there, and answers its epoch: the name of this life of it. AMQP
 * 0-9-1 can neither read a queue's arguments nor tell who declared it first, so the epochs are kept
 * in a small stream beside it, under a lock that is an exclusive queue: of several replicas exactly
 * one makes the journal and writes its epoch, before it makes it.
 *
 * `connection` is one that the session has to itself, to its own node: what another connection
 * waits for on another node does not matter. A node that does not answer in time is left.
 *
 * What the gateway itself writes goes through a direct exchange of the journal's name, so that
 * Warren's RabbitMQ user needs no right on the default exchange.
 */
export async function ensureJournal(
  session: ConnectionSession,
  connection: ChannelModel,
  journal: JournalTopology,
): Promise<string> {
  try {
    return (await standingEpoch(connection, journal)) ?? (await makeJournal(connection, journal, session.signal))
  } catch (error) {
    if (error instanceof NoAnswerInTime && session.mayMove) session.failNode(error.message)
    throw error
  }
}

/**
 * The epoch of a journal that is there, without the lock and without waiting for what changes the
 * cluster's database: as long as a node is frozen, the others neither declare a queue nor answer a
 * binding, also of what exists (RabbitMQ 3.10). Undefined: something is missing, or the key that
 * was agreed on has to be written.
 *
 * The journal is looked for before the log is read. Its epoch was written before it was made, so
 * the log has it, or that of a later life.
 */
async function standingEpoch(
  connection: ChannelModel,
  { name, agreeOnKey }: JournalTopology,
): Promise<string | undefined> {
  const epochs = epochsOf(name)
  if (!(await queueExists(connection, name)) || !(await queueExists(connection, epochs))) return undefined
  await onOwnChannel(connection, (channel) => channel.assertExchange(name, 'direct', { durable: true }))
  // Where a binding was missing, what is published before it is made is returned, and published
  // again.
  const bound = onOwnChannel(connection, async (channel) => {
    await channel.bindQueue(epochs, name, epochs)
    await channel.bindQueue(name, name, name)
  })
  bound.catch(() => undefined)
  const { epoch, keys } = await new EpochLog(connection, name).read()
  await Promise.race([bound, pause(bindMs)])
  if (epoch === undefined) return undefined
  const key = await agreeOnKey?.(keys)
  return key === undefined || key === keys.at(-1) ? epoch : undefined
}

async function makeJournal(
  connection: ChannelModel,
  { name, retention, agreeOnKey }: JournalTopology,
  signal: AbortSignal,
): Promise<string> {
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
    const log = new EpochLog(connection, name)
    const known = await log.read()
    const exists = await queueExists(connection, name)
    const epoch = exists && known.epoch !== undefined ? known.epoch : randomBytes(8).toString('hex')
    const key = await agreeOnKey?.(known.keys)
    await log.write(key === undefined ? { epoch } : { epoch, key })
    await declare(connection, name, limitsOf(retention))
    await onOwnChannel(connection, (channel) => channel.bindQueue(name, name, name))
    return epoch
  } finally {
    await release()
  }
}

/** A bound that was not set is infinite, and is not told. */
function limitsOf({ maxAgeMs, maxBytes }: WindowBounds): Record<string, unknown> {
  const segmentBytes = Math.round(maxBytes / segmentsInRetention)
  return {
    ...(Number.isFinite(maxAgeMs) ? { 'x-max-age': `${Math.ceil(maxAgeMs / 1000)}s` } : {}),
    ...(Number.isFinite(maxBytes) ? { 'x-max-length-bytes': maxBytes } : {}),
    'x-stream-max-segment-size-bytes': Math.min(maxSegmentBytes, Math.max(minSegmentBytes, segmentBytes)),
  }
}

/**
 * Runs on a channel of its own, because an error there closes the channel. Rejects with
 * `NoAnswerInTime`.
 */
async function onOwnChannel<Result>(
  connection: ChannelModel,
  run: (channel: Channel) => Promise<Result>,
): Promise<Result> {
  let channel: Channel | undefined
  let broken = false
  const work = async (): Promise<Result> => {
    channel = await connection.createChannel()
    channel.on('error', () => {
      broken = true
    })
    channel.on('close', () => {
      broken = true
    })
    return run(channel)
  }
  try {
    return await withDeadline(answerMs, work(), () => new NoAnswerInTime('RabbitMQ did not answer', answerMs))
  } finally {
    // Not waited for: amqplib never settles it where the connection is lost meanwhile, and what was
    // asked for has been answered.
    if (!broken) channel?.close().catch(() => undefined)
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
      await pause(jitterAround(lockRetryMs))
    }
  }
}

async function queueExists(connection: ChannelModel, name: string): Promise<boolean> {
  try {
    await onOwnChannel(connection, (channel) => channel.checkQueue(name))
    return true
  } catch (error) {
    // A stream whose node is still booting is answered with 404 too ("… down or inaccessible"), and
    // must not be taken for one that is gone.
    if (codeOf(error) === 404 && /no queue/.test(String(error))) return false
    throw error
  }
}

/**
 * A stream that stands with another retention is taken as it is: RabbitMQ changes that by policy,
 * not by declaring again.
 */
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

/** AMQP's reply code of a channel or connection error, as amqplib attaches it. */
function codeOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'number' ? error.code : undefined
}
