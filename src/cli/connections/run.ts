import { errorText } from '../../core/model/error-text.ts'
import type { Open, ProbeConnection } from './protocols.ts'

export interface RunOptions {
  readonly open: Open
  readonly count: number
  readonly messages: number
  readonly bytes: number
  readonly atOnce: number
  readonly onProgress: (phase: string, done: number, of: number) => void
}

/** The measurements; durations in milliseconds. */
export interface Run {
  readonly count: number
  readonly connected: number
  readonly connectMs: number
  readonly connect: readonly number[]
  readonly messages: number
  readonly bytes: number
  readonly messagesMs: number
  readonly roundTrip: readonly number[]
  /** The number of failed connections by reason. */
  readonly failures: ReadonlyMap<string, number>
}

/** Opens all connections, then sends on all concurrently, then closes all. */
export async function runConnections(options: RunOptions): Promise<Run> {
  const { open, count, messages, bytes, atOnce, onProgress } = options
  const failures = new Map<string, number>()
  const failed = (error: unknown) => {
    const reason = errorText(error)
    const sentence = reason === 'EMFILE' ? 'EMFILE: the limit of open files is reached; raise ulimit -n' : reason
    failures.set(sentence, (failures.get(sentence) ?? 0) + 1)
  }

  const connections: ProbeConnection[] = []
  const connect: number[] = []
  let begun = 0
  const begunAt = performance.now()
  const openInTurn = async () => {
    while (begun < count) {
      begun += 1
      const since = performance.now()
      try {
        connections.push(await open())
        connect.push(performance.now() - since)
      } catch (error) {
        failed(error)
      }
      onProgress('connecting', connect.length, count)
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, openInTurn))
  const connectMs = performance.now() - begunAt

  const roundTrip: number[] = []
  const sendingSince = performance.now()
  const sendOn = async (connection: ProbeConnection, place: number) => {
    try {
      for (let message = 0; message < messages; message += 1) {
        const since = performance.now()
        await connection.roundTrip(payloadOf(place, message, bytes))
        roundTrip.push(performance.now() - since)
        onProgress('sending', roundTrip.length, connections.length * messages)
      }
    } catch (error) {
      failed(error)
    }
  }
  await Promise.all(connections.map(sendOn))
  const messagesMs = performance.now() - sendingSince
  for (const connection of connections) connection.close()
  return {
    count,
    connected: connect.length,
    connectMs,
    connect,
    messages: roundTrip.length,
    bytes,
    messagesMs,
    roundTrip,
    failures,
  }
}

/** Differs for each connection and message, so that mixed-up answers are detected. */
function payloadOf(connection: number, message: number, bytes: number): Buffer {
  const mark = Buffer.alloc(8)
  mark.writeUInt32LE(connection, 0)
  mark.writeUInt32LE(message, 4)
  return Buffer.alloc(bytes, mark)
}
