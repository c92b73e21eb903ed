import { randomUUID } from 'node:crypto'
import type { Channel, ChannelModel } from '../connection/amqp.ts'
import { StreamWriter } from './stream-writer.ts'

/** In milliseconds. */
const timings = {
  /** How long a record may take through the broker, from the last record that was read. */
  answer: 5_000,
  /** How long reading all records may take. */
  all: 30_000,
  /**
   * The interval at which a record is written again until it is read back. While a node boots,
   * streams lose messages that it confirms.
   */
  retry: 500,
}
const prefetch = 100
/**
 * Each read adds a record, and retention deletes the oldest ones after some 3,000. So the epoch is
 * written again when this many records follow it.
 */
const recordsUntilOld = 500

export interface EpochRecords {
  /** The newest epoch. */
  readonly epoch: string | undefined
  /** Whether the epoch has to be written again before retention deletes its record. */
  readonly isOld: boolean
  /** The sealed keys, each once, in the order in which they were last written. */
  readonly keys: readonly string[]
}

/** RabbitMQ is connected but does not complete an operation. */
export class NoAnswerInTime extends Error {
  override readonly name = 'NoAnswerInTime'

  constructor(what: string, afterMs: number) {
    super(`${what} within ${afterMs} ms`)
  }
}

export function epochsOf(journal: string): string {
  return `${journal}.epoch`
}

/**
 * The stream that records the epochs of a journal. A record counts as written when it has been read
 * back.
 */
export class EpochLog {
  readonly #connection: ChannelModel
  readonly #journal: string
  readonly #writer: StreamWriter
  readonly #waiting = new Map<string, () => void>()
  readonly #keys = new Set<string>()
  #epoch: string | undefined
  #recordsSinceEpoch = 0
  #answerTimer: NodeJS.Timeout | undefined
  #writingSince = 0
  #channel: Channel | undefined
  /** Why nothing can be read or written any more. */
  #failed: Error | undefined
  #onFailure: (error: Error) => void = () => {}

  constructor(connection: ChannelModel, journal: string) {
    this.#connection = connection
    this.#journal = journal
    this.#writer = new StreamWriter(connection, journal, epochsOf(journal), (error) => this.#fail(error))
  }

  /** Returns the current records. Rejects with `NoAnswerInTime`, or with RabbitMQ's refusal. */
  async read(): Promise<EpochRecords> {
    await this.write({ probe: randomUUID() })
    return { epoch: this.#epoch, isOld: this.#recordsSinceEpoch > recordsUntilOld, keys: [...this.#keys] }
  }

  /** Resolves when the record has been read back. Rejects like `read`. */
  async write(content: Record<string, string>): Promise<void> {
    const id = randomUUID()
    const body = Buffer.from(JSON.stringify(content))
    const publish = (): void => void this.#writer.write(id, body).catch((error: Error) => this.#fail(error))
    let retryTimer: NodeJS.Timeout | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        this.#onFailure = reject
        const late = () =>
          reject(new NoAnswerInTime(`no answer from stream "${epochsOf(this.#journal)}"`, timings.answer))
        this.#writingSince = Date.now()
        this.#answerTimer = setTimeout(late, timings.answer)
        if (this.#failed) return reject(this.#failed)
        this.#waiting.set(id, resolve)
        this.#consume()
          .then(() => {
            // It has failed meanwhile.
            if (!this.#waiting.has(id)) return
            publish()
            retryTimer = setInterval(publish, timings.retry)
          })
          .catch(reject)
      })
    } finally {
      clearTimeout(this.#answerTimer)
      this.#answerTimer = undefined
      clearInterval(retryTimer)
      this.#waiting.delete(id)
    }
  }

  async #consume(): Promise<void> {
    if (this.#channel) return
    const channel = await this.#connection.createChannel()
    this.#channel = channel
    channel.on('error', (error: Error) => this.#fail(error))
    channel.on('close', () => this.#fail(new Error('the connection was lost')))
    await channel.prefetch(prefetch)
    const stream = epochsOf(this.#journal)
    await channel.consume(
      stream,
      (message) => {
        if (!message) return this.#fail(new Error(`stream "${stream}" was deleted while it was read`))
        this.#addRecord(message.content)
        channel.ack(message)
        this.#waiting.get(String(message.properties.messageId))?.()
      },
      { arguments: { 'x-stream-offset': 'first' } },
    )
  }

  #addRecord(content: Buffer): void {
    const { epoch, key } = parse(content)
    if (Date.now() - this.#writingSince < timings.all) this.#answerTimer?.refresh()
    this.#recordsSinceEpoch += 1
    if (typeof epoch === 'string' && /^[0-9a-f]{16}$/.test(epoch)) {
      this.#epoch = epoch
      this.#recordsSinceEpoch = 0
    }
    // In the order in which each was last written.
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
