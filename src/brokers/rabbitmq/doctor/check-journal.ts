import type { Finding } from '../../../core/ports/finding.ts'
import { within } from '../../../core/timing/deadline.ts'
import type { BrokerAddress } from '../connection/address.ts'
import type { ChannelModel } from '../connection/amqp.ts'
import { connect } from '../connection/connect.ts'
import { repliedWith, replyCodes } from '../connection/reply-codes.ts'

/** In milliseconds. */
const timings = {
  connect: 5_000,
  /** The time limit of the whole check, because an operator waits for it. */
  all: 5_000,
  /** A reader that receives nothing for this long has reached the end. */
  quiet: 500,
  close: 1_000,
}
const pastSeconds = 3_600
const prefetch = 500
const ackEvery = 200
/**
 * An offset is unreadable after this many connections, each of which asked for it first, ended
 * there.
 */
const endsBeforeUnreadable = 2
const maxOffsets = 10

/**
 * `broken`: RabbitMQ closed the connection because of its own failure, which the next message
 * causes.
 */
type Ending = 'broken' | 'end' | 'failed'

/**
 * Searches the last hour of a stream, as far as it gets in five seconds, for messages that RabbitMQ
 * cannot deliver to a consumer of AMQP 0-9-1. Returns a finding if there are any.
 */
export async function checkReadability(address: BrokerAddress, stream: string): Promise<Finding[]> {
  const deadline = performance.now() + timings.all
  const offsets: number[] = []
  let start: unknown = { '!': 'timestamp', value: Math.floor(Date.now() / 1000) - pastSeconds }
  let ends = 0
  let first = false
  while (performance.now() < deadline && offsets.length < maxOffsets && !first) {
    // After an end, one message in flight: what ends the connection again is then certainly the
    // next message.
    const { ending, last } = await readFrom(address, stream, start, ends === 0 ? prefetch : 1, deadline)
    if (ending !== 'broken') break
    if (last !== undefined) start = last + 1
    ends = last === undefined ? ends + 1 : 1
    if (ends < endsBeforeUnreadable) continue
    if (typeof start !== 'number') first = true
    else {
      offsets.push(start)
      start += 1
    }
    ends = 0
  }
  if (offsets.length === 0 && !first) return []
  const where = first ? 'the first of the last hour' : `at offset ${offsets.join(', ')}`
  return [
    {
      check: 'unreadable',
      status: 'warn',
      text: `"${stream}" holds messages that RabbitMQ cannot deliver to a consumer of AMQP 0-9-1 (it closes each with 541): ${where}; the gateway skips them and sends a GAP event, UNREADABLE`,
      advice:
        'find the program that publishes over AMQP 1.0 to a source; it must send no NaN, infinity, uuid or char in properties and annotations, no property over 255 bytes',
    },
  ]
}

async function readFrom(
  address: BrokerAddress,
  stream: string,
  start: unknown,
  inFlight: number,
  deadline: number,
): Promise<{ ending: Ending; last: number | undefined }> {
  const cut = new AbortController()
  let last: number | undefined
  let opened: ChannelModel | undefined
  let timer: NodeJS.Timeout | undefined
  try {
    const connection = await connect(address, 'warren doctor', timings.connect, cut)
    opened = connection
    const ending = await new Promise<Ending>((resolve, reject) => {
      const left = (): number => Math.max(0, Math.min(timings.quiet, deadline - performance.now()))
      timer = setTimeout(() => resolve('end'), left())
      connection.on('error', (error) => resolve(repliedWith(error, replyCodes.internalError) ? 'broken' : 'failed'))
      connection.on('close', () => resolve('failed'))
      const consume = async (): Promise<void> => {
        const channel = await connection.createChannel()
        channel.on('error', () => resolve('failed'))
        await channel.prefetch(inFlight)
        let unacknowledged = 0
        await channel.consume(
          stream,
          (message) => {
            if (!message) return resolve('failed')
            const offset: unknown = message.properties.headers?.['x-stream-offset']
            if (typeof offset !== 'number' || (typeof start === 'number' && offset < start)) return
            last = offset
            unacknowledged += 1
            if (unacknowledged >= Math.min(ackEvery, inFlight)) {
              unacknowledged = 0
              channel.ack(message, true)
            }
            if (performance.now() > deadline) resolve('end')
            timer?.refresh()
          },
          { arguments: { 'x-stream-offset': start } },
        )
      }
      consume().catch(reject)
    })
    return { ending, last }
  } catch {
    return { ending: 'failed', last }
  } finally {
    clearTimeout(timer)
    await within(
      timings.close,
      Promise.resolve().then(() => opened?.close()),
    ).catch(() => undefined)
    cut.abort()
  }
}
