import { TextDecoder } from 'node:util'
import {
  type DistributorExchange,
  type Driver,
  type Receive,
  type Subscription,
  Undeliverable,
} from '../brokers/driver.ts'
import type { Message } from '../core/model/message.ts'
import { newMessageId } from '../core/model/message-id.ts'
import { checkShortString } from '../core/model/short-string.ts'
import type { Observer } from '../core/ports/observer.ts'
import { badInput } from '../errors.ts'
import { openDriver } from './open-driver.ts'
import { isUserInformation, topicsOfSnapshot } from './snapshot.ts'

export interface DistributorOptions {
  /** The prefix of everything that is declared on the broker. Default `warren`. */
  readonly namespace?: string
  /**
   * Another exchange than `<namespace>.events` for its topics: a fanout exchange of other programs,
   * for instance.
   */
  readonly exchange?: DistributorExchange
  /**
   * What bodies are: `json` (default), or `text`, which is published and handed to callbacks as a
   * string.
   */
  readonly bodies?: 'json' | 'text'
  /** Hears what happens without being asked: an outage, a broken driver. Default: nobody. */
  readonly log?: Observer['log']
  /** Another folder of drivers than Warren's own. */
  readonly drivers?: URL
}

/**
 * Called with the data of a message, its topic, and the message itself. A rejection has it handed
 * over again.
 */
export type Callback = (data: unknown, topic: string, message: Message) => unknown

export interface SubscriptionOptions {
  /**
   * With a group, each message goes to one of the subscribers with the same group and topics;
   * without, to every subscriber.
   */
  readonly subscriberGroup?: string
  /**
   * How many calls of the callback may run at a time. Default 20; with 1, messages come strictly
   * one after another.
   */
  readonly prefetch?: number
  /**
   * Told of a message that was given up: its callback rejected time and again, or its body is no
   * JSON.
   */
  readonly onPoison?: (message: Message, error: unknown) => void
}

const defaultPrefetch = 20

/**
 * Moves JSON between the parts of a system over any broker; the scheme of the URL chooses the
 * driver.
 *
 *     await using distributor = new Distributor('amqp://localhost')
 *     const options = { subscriberGroup: 'mailers' }
 *     await distributor.subscribe((user) => console.log(user), 'user', options)
 *     await distributor.publish({ userId: 42 }, 'user')
 */
export class Distributor implements AsyncDisposable {
  readonly #urls: readonly string[]
  readonly #options: DistributorOptions
  #driver: Promise<Driver> | undefined

  /**
   * Several URLs, or one with commas in it, are the nodes of one cluster. Nothing is opened yet.
   */
  constructor(url: string | readonly string[], options: DistributorOptions = {}) {
    this.#urls = typeof url === 'string' ? splitUrls(url) : url
    this.#options = options
  }

  /** Loads the driver and connects; `publish` and `subscribe` do so where it hasn't been done. */
  async connect(): Promise<void> {
    await this.#connected()
  }

  /**
   * Ends the subscriptions and the connections. Idempotent; a closed distributor may be connected
   * again.
   */
  async close(): Promise<void> {
    const driver = await this.#driver?.catch(() => undefined)
    this.#driver = undefined
    await driver?.close?.()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Resolves once the broker holds the message, whether or not anybody listens to the topic. */
  async publish(data: unknown, topic: string): Promise<void> {
    checkTopic(topic)
    const { contentType, encode } = this.#bodies
    const body = encode(data)
    if (body === undefined) throw badInput('data', `expected what ${contentType} can hold, got ${typeof data}`)
    const driver = await this.#connected()
    const properties = { contentType, messageId: newMessageId(), timestamp: Date.now() }
    await driver.publish(topic, Buffer.from(body), properties)
  }

  /**
   * Topics are words between dots; `*` stands for one word and `#` for any number. Resolves when
   * the subscription is in force. A callback that rejects is called again up to `maxRedeliveries`
   * times; then the message is set aside.
   */
  async subscribe(
    callback: Callback,
    topics: string | readonly string[],
    options: SubscriptionOptions = {},
  ): Promise<Subscription> {
    const wanted = [...new Set(typeof topics === 'string' ? [topics] : topics)]
    if (wanted.length === 0) throw badInput('topics', 'expected at least one topic')
    wanted.forEach(checkTopic)
    const { subscriberGroup = '', prefetch = defaultPrefetch, onPoison = () => {} } = options
    if (Buffer.byteLength(subscriberGroup) > 100) throw badInput('subscriberGroup', 'expected at most 100 bytes')
    if (!Number.isInteger(prefetch) || prefetch < 1 || prefetch > 65_535) {
      throw badInput('prefetch', `expected 1 to 65535, got ${prefetch}`)
    }
    const driver = await this.#connected()
    return driver.subscribe(wanted, receiver(callback, this.#bodies), {
      group: subscriberGroup || undefined,
      prefetch,
      onPoison,
    })
  }

  /** Publishes user information or a snapshot, whichever it is. */
  async publishServer(data: unknown): Promise<void> {
    if (topicsOfSnapshot(data)) return this.publishRawSnapshot(data)
    if (isUserInformation(data)) return this.publishUser(data)
    throw badInput(
      'data',
      'expected a snapshot (an object with `topics`) or user information (an object with the id or the name of a user), got neither',
    )
  }

  /** To the topic `user`. */
  publishUser(data: unknown): Promise<void> {
    return this.publish(data, 'user')
  }

  /** The whole snapshot to `raw.X` for each topic X in it. */
  async publishRawSnapshot(data: unknown): Promise<void> {
    const topics = topicsOfSnapshot(data)
    if (!topics) throw badInput('data', 'expected a snapshot: an object with `topics`')
    await Promise.all(topics.map((topic) => this.publish(data, `raw.${topic}`)))
  }

  /** To `parsed.TOPIC`. */
  publishParsedTopic(data: unknown, topic: string): Promise<void> {
    return this.publish(data, `parsed.${topic}`)
  }

  subscribeParsedTopic(callback: Callback, topic: string, options?: SubscriptionOptions): Promise<Subscription> {
    return this.subscribe(callback, `parsed.${topic}`, options)
  }

  subscribeRawTopic(callback: Callback, topic: string, options?: SubscriptionOptions): Promise<Subscription> {
    return this.subscribe(callback, `raw.${topic}`, options)
  }

  get #bodies(): Bodies {
    return this.#options.bodies === 'text' ? plainText : json
  }

  #connected(): Promise<Driver> {
    this.#driver ??= this.#open().catch((error: unknown) => {
      this.#driver = undefined
      throw error
    })
    return this.#driver
  }

  async #open(): Promise<Driver> {
    const { namespace = 'warren', log = () => {}, drivers, exchange } = this.#options
    const driver = await openDriver(this.#urls, { namespace, log, exchange }, drivers)
    try {
      await driver.connect?.()
    } catch (error) {
      await driver.close?.()
      throw error
    }
    return driver
  }
}

/** `amqp://a,amqp://b`; a comma that no scheme follows belongs to the URL. */
export function splitUrls(text: string): string[] {
  return text.split(/,(?=\s*[a-z][a-z0-9+.-]*:)/i).map((url) => url.trim())
}

function checkTopic(topic: string): void {
  if (typeof topic !== 'string' || topic === '') throw badInput('topic', 'expected a non-empty string')
  checkShortString('topic', topic)
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** How bodies are written and read. */
interface Bodies {
  readonly contentType: string
  /** Undefined for what it cannot hold. */
  readonly encode: (data: unknown) => string | undefined
  /** Throws for what it is not. */
  readonly decode: (text: string) => unknown
}

const json: Bodies = {
  contentType: 'application/json',
  encode: (data) => JSON.stringify(data),
  decode: (text) => JSON.parse(text) as unknown,
}

const plainText: Bodies = {
  contentType: 'text/plain; charset=utf-8',
  encode: (data) => (typeof data === 'string' ? data : undefined),
  decode: (text) => text,
}

function receiver(callback: Callback, { decode, contentType }: Bodies): Receive {
  return async (message) => {
    let data: unknown
    try {
      data = decode(utf8.decode(message.body))
    } catch (error) {
      throw new Undeliverable(`the message on "${message.routingKey}" is no ${contentType}`, { cause: error })
    }
    await callback(data, message.routingKey, message)
  }
}
