import { randomBytes } from 'node:crypto'
import { withDeadline } from '../../../core/timing/deadline.ts'
import { jitterAround } from '../../../core/timing/jitter.ts'
import { pause } from '../../../core/timing/pause.ts'
import { GatewayError } from '../../../errors.ts'
import type { WindowBounds } from '../../../hot-window/hot-window.ts'
import type { AgreeOnKey } from '../../driver.ts'
import type { Channel, ChannelModel } from '../connection/amqp.ts'
import type { ConnectionSession } from '../connection/reconnecting-connection.ts'
import { EpochLog, epochsOf, NoAnswerInTime } from './epoch-log.ts'

const lockTimeoutMs = 15_000
const lockRetryMs = 100
/** How long RabbitMQ may take to answer one operation on a channel, in milliseconds. */
const answerMs = 5_000
/** How long to wait for bindings that probably exist, after the epoch was read, in milliseconds. */
const bindMs = 200
/** Arguments of an existing stream that may differ: see `declareStream`. */
const retentionArguments = new Set(['x-max-age', 'x-max-length-bytes', 'x-stream-max-segment-size-bytes'])
/** The epoch log needs some hundred bytes for each session of a tail: see `EpochRecords.isOld`. */
const epochRetention = { maxBytes: 1024 * 1024, segmentBytes: 128 * 1024 }
/**
 * RabbitMQ applies retention when a segment is full, so a segment is a small part of the retention,
 * within RabbitMQ's limits.
 */
const segmentsInRetention = 20
const minSegmentBytes = 256 * 1024
const maxSegmentBytes = 500_000_000

/** The journal to declare. */
export interface JournalDeclaration {
  readonly name: string
  readonly retention: WindowBounds
  readonly agreeOnKey?: AgreeOnKey | undefined
}

/**
 * Declares the journal's stream if it does not exist, at the first start and again after it was
 * deleted, and returns its epoch. An epoch names one stream from its declaration to its deletion.
 * Every tail calls this at the start of each session.
 *
 * AMQP 0-9-1 cannot read a queue's arguments and does not reveal who declared it first. So the
 * epochs are kept in a small second stream, under a lock that is an exclusive queue. Exactly one of
 * several replicas declares the journal, and it writes the epoch before it declares the stream.
 *
 * `connection` belongs to the session alone and leads to the session's node, so operations on other
 * connections or nodes do not delay it. If the node does not answer in time, the session leaves it.
 *
 * Everything that the gateway itself publishes goes through a direct exchange of the journal's
 * name, so that Warren's RabbitMQ user needs no permission on the default exchange.
 */
export async function declareJournal(
  session: ConnectionSession,
  connection: ChannelModel,
  journal: JournalDeclaration,
): Promise<string> {
  return leavingSilentNode(session, async () => {
    const existing = await epochOfExisting(connection, journal)
    if (existing && !existing.isOld) return existing.epoch
    try {
      return await declareMissing(connection, journal, session.signal)
    } catch (error) {
      // The record of the epoch is old, and is still there. The next session renews it.
      if (existing) return existing.epoch
      throw error
    }
  })
}

/**
 * Rejects if the journal was declared again since `declareJournal` returned this epoch. Call it
 * when a consumer of the journal has been accepted: the newest epoch was written before its stream
 * was declared, so if it is still this one, the consumer reads the stream of this epoch. If that
 * stream is deleted later, RabbitMQ cancels the consumer.
 */
export async function confirmEpoch(
  session: ConnectionSession,
  connection: ChannelModel,
  journal: string,
  epoch: string,
): Promise<void> {
  const current = await leavingSilentNode(session, async () => (await new EpochLog(connection, journal).read()).epoch)
  if (current !== epoch) throw new Error('the journal was deleted and declared again while its consumer started')
}

async function leavingSilentNode<Result>(session: ConnectionSession, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof NoAnswerInTime && session.mayMove) session.failNode(error.message)
    throw error
  }
}

/**
 * Returns the epoch of an existing journal, without the lock and without waiting for changes of the
 * cluster's database: while a node is frozen, the other nodes answer no declare and no bind, even
 * of existing objects (RabbitMQ 3.10). Returns undefined if something is missing, or if the agreed
 * key must be written.
 *
 * It checks that the journal exists before it reads the log. The epoch was written before the
 * stream was declared, so the log contains that epoch or a later one.
 */
async function epochOfExisting(
  connection: ChannelModel,
  { name, agreeOnKey }: JournalDeclaration,
): Promise<{ epoch: string; isOld: boolean } | undefined> {
  const epochs = epochsOf(name)
  if (!(await queueExists(connection, name)) || !(await queueExists(connection, epochs))) return undefined
  await onOwnChannel(connection, (channel) => channel.assertExchange(name, 'direct', { durable: true }))
  // If a binding is missing, RabbitMQ returns what is published before it is made, and the message
  // is published again.
  const bound = onOwnChannel(connection, async (channel) => {
    await channel.bindQueue(epochs, name, epochs)
    await channel.bindQueue(name, name, name)
  })
  bound.catch(() => undefined)
  const { epoch, isOld, keys } = await new EpochLog(connection, name).read()
  await Promise.race([bound, pause(bindMs)])
  if (epoch === undefined) return undefined
  const key = await agreeOnKey?.(keys)
  return key === undefined || key === keys.at(-1) ? { epoch, isOld } : undefined
}

async function declareMissing(
  connection: ChannelModel,
  { name, retention, agreeOnKey }: JournalDeclaration,
  signal: AbortSignal,
): Promise<string> {
  const epochs = epochsOf(name)
  const release = await acquireLock(connection, `${name}.lock`, signal)
  try {
    await declareStream(connection, epochs, {
      'x-max-length-bytes': epochRetention.maxBytes,
      'x-stream-max-segment-size-bytes': epochRetention.segmentBytes,
    })
    await onOwnChannel(connection, async (channel) => {
      await channel.assertExchange(name, 'direct', { durable: true })
      await channel.bindQueue(epochs, name, epochs)
    })
    const log = new EpochLog(connection, name)
    const logged = await log.read()
    const exists = await queueExists(connection, name)
    const known = exists ? logged.epoch : undefined
    const epoch = known ?? randomBytes(8).toString('hex')
    const key = await agreeOnKey?.(logged.keys)
    await log.write(key === undefined ? { epoch } : { epoch, key })
    // If an operator deletes the stream at this moment, a new one must not get the known epoch.
    if (known === undefined) await declareStream(connection, name, limitsOf(retention))
    await onOwnChannel(connection, (channel) => channel.bindQueue(name, name, name))
    return epoch
  } finally {
    await release()
  }
}

/** An infinite bound was not configured and is omitted. */
function limitsOf({ maxAgeMs, maxBytes }: WindowBounds): Record<string, unknown> {
  const segmentBytes = Math.round(maxBytes / segmentsInRetention)
  return {
    ...(Number.isFinite(maxAgeMs) ? { 'x-max-age': `${Math.ceil(maxAgeMs / 1000)}s` } : {}),
    ...(Number.isFinite(maxBytes) ? { 'x-max-length-bytes': maxBytes } : {}),
    'x-stream-max-segment-size-bytes': Math.min(maxSegmentBytes, Math.max(minSegmentBytes, segmentBytes)),
  }
}

/**
 * Runs on its own channel, because RabbitMQ closes the channel on an error. Rejects with
 * `NoAnswerInTime`.
 */
async function onOwnChannel<Result>(
  connection: ChannelModel,
  operation: (channel: Channel) => Promise<Result>,
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
    return operation(channel)
  }
  try {
    return await withDeadline(answerMs, work(), () => new NoAnswerInTime('RabbitMQ did not answer', answerMs))
  } finally {
    // Not awaited, because amqplib never settles a close if the connection is lost meanwhile, and
    // the operation has been answered.
    if (!broken) channel?.close().catch(() => undefined)
  }
}

async function acquireLock(connection: ChannelModel, name: string, signal: AbortSignal): Promise<() => Promise<void>> {
  const deadline = Date.now() + lockTimeoutMs
  for (;;) {
    signal.throwIfAborted()
    try {
      await onOwnChannel(connection, (channel) =>
        channel.assertQueue(name, { exclusive: true, durable: false, arguments: { 'x-queue-type': 'classic' } }),
      )
      return async () => {
        // If the connection is lost, RabbitMQ deletes the lock with it.
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
    // RabbitMQ also answers 404 for a stream on a node that is still booting ("… down or
    // inaccessible"). Such a stream must not count as missing.
    if (codeOf(error) === 404 && /no queue/.test(String(error))) return false
    throw error
  }
}

/**
 * Accepts an existing stream with another retention, because RabbitMQ changes the retention by
 * policy, not by a declare.
 */
async function declareStream(connection: ChannelModel, name: string, limits: Record<string, unknown>): Promise<void> {
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
      `queue "${name}" exists and is not the stream that the journal needs (${argument} differs): delete it, or set another WARREN_NAMESPACE`,
      { cause: error },
    )
  }
}

/** AMQP's reply code of a channel or connection error, as amqplib attaches it. */
function codeOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'number' ? error.code : undefined
}
