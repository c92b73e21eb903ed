import { randomUUID } from 'node:crypto'
import { withDeadline } from '../../../core/timing/deadline.ts'
import type { Channel, ChannelModel } from '../connection/amqp.ts'
import { NoAnswerInTime } from './no-answer.ts'
import { StreamWriter } from './stream-writer.ts'

/** In milliseconds. */
const timings = {
  /** How long a record may take through the broker and back. */
  answer: 5_000,
  /**
   * A record that does not come back is written again: while a node boots, streams forget what it
   * confirms.
   */
  again: 500,
}
const prefetch = 100

export interface EpochRecords {
  /** The last one. */
  readonly epoch: string | undefined
  /** Sealed, each once, the one that was written last at the end. */
  readonly keys: readonly string[]
}

export function epochsOf(journal: string): string {
  return `${journal}.epoch`
}

/**
 * The stream of a journal's epochs. A record counts as written when it has been read back.
 */
export class EpochLog {
  readonly #connection: ChannelModel
  readonly #journal: string
  readonly #writer: StreamWriter
  readonly #waiting = new Map<string, () => void>()
  readonly #keys = new Set<string>()
  #epoch: string | undefined
  #reading: Channel | undefined
  /** Why nothing more can be read or written. */
  #failed: Error | undefined
  #onFailure: (error: Error) => void = () => {}

  constructor(connection: ChannelModel, journal: string) {
    this.#connection = connection
    this.#journal = journal
    this.#writer = new StreamWriter(connection, journal, epochsOf(journal), (error) => this.#fail(error))
  }

  /** What is in it now. Rejects with `NoAnswerInTime`, or with RabbitMQ's refusal. */
  async read(): Promise<EpochRecords> {
    await this.write({ probe: randomUUID() })
    return { epoch: this.#epoch, keys: [...this.#keys] }
  }

  /** Resolves when the record has been read back. Rejects as `read` does. */
  async write(content: Record<string, string>): Promise<void> {
    const id = randomUUID()
    const body = Buffer.from(JSON.stringify(content))
    const publish = (): void => void this.#writer.write(id, body).catch((error: Error) => this.#fail(error))
    let again: NodeJS.Timeout | undefined
    try {
      const readBack = new Promise<void>((resolve, reject) => {
        this.#onFailure = reject
        if (this.#failed) return reject(this.#failed)
        this.#waiting.set(id, resolve)
        this.#consume()
          .then(() => {
            publish()
            again = setInterval(publish, timings.again)
          })
          .catch(reject)
      })
      const late = () => new NoAnswerInTime(`no answer from stream "${epochsOf(this.#journal)}"`, timings.answer)
      await withDeadline(timings.answer, readBack, late)
    } finally {
      clearInterval(again)
      this.#waiting.delete(id)
    }
  }

  async #consume(): Promise<void> {
    if (this.#reading) return
    const channel = await this.#connection.createChannel()
    this.#reading = channel
    channel.on('error', (error: Error) => this.#fail(error))
    channel.on('close', () => this.#fail(new Error('the connection was lost')))
    await channel.prefetch(prefetch)
    const stream = epochsOf(this.#journal)
    await channel.consume(
      stream,
      (message) => {
        if (!message) return this.#fail(new Error(`stream "${stream}" was deleted while it was read`))
        this.#take(message.content)
        channel.ack(message)
        this.#waiting.get(String(message.properties.messageId))?.()
      },
      { arguments: { 'x-stream-offset': 'first' } },
    )
  }

  #take(content: Buffer): void {
    const { epoch, key } = parse(content)
    if (typeof epoch === 'string' && /^[0-9a-f]{16}$/.test(epoch)) this.#epoch = epoch
    // In the order in which each was written last.
    if (typeof key === 'string') {
      this.#keys.delete(key)
      this.#keys.add(key)
    }
  }

  #fail(error: Error): void {
    this.#failed ??= error
    this.#onFailure(this.#failed)
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
