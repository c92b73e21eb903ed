import { TextDecoder } from 'node:util'
import {
  type DistributorExchange,
  type Driver,
  type Receive,
  type Subscription,
  Undeliverable,
} from '../brokers/driver.ts'
import { parseWithRightKeys } from '../core/json/right-keys.ts'
import type { Message } from '../core/model/message.ts'
import { newMessageId } from '../core/model/message-id.ts'
import { checkShortString } from '../core/model/short-string.ts'
import type { Observer } from '../core/ports/observer.ts'
import { badInput } from '../errors.ts'
import { openDriver } from './open-driver.ts'
import { isUserInformation, topicsOfSnapshot } from './snapshot.ts'

export interface DistributorOptions {
  /** The prefix of every name that is declared on the broker. Default `warren`. */
  readonly namespace?: string
  /**
   * The exchange to use instead of `<namespace>.events`: for instance a fanout exchange of other
   * programs.
   */
  readonly exchange?: DistributorExchange
  /**
   * The type of all bodies: `json` (default), or `text`, which is published and passed to callbacks
   * as a string.
   */
  readonly bodies?: 'json' | 'text'
  /** Receives log lines about outages and broken drivers. Default: they are discarded. */
  readonly log?: Observer['log']
  /** A folder of drivers to use instead of Warren's own. */
  readonly drivers?: URL
}

/**
 * Called with the data of a message, its topic, and the message itself. If it rejects, the message
 * is delivered again.
 */
export type Callback = (data: unknown, topic: string, message: Message) => unknown

export interface SubscriptionOptions {
  /**
   * With a group, each message goes to one of the subscribers with the same group and topics.
   * Without a group, every subscriber receives it.
   */
  readonly subscriberGroup?: string
  /**
   * How many calls of the callback may run at a time. Default 20. With 1, messages are processed
   * strictly in order.
   */
  readonly prefetch?: number
  /**
   * Called when a message is given up: its callback rejected every delivery, or its body is not
   * valid JSON.
   */
  readonly onPoison?: (message: Message, error: unknown) => void
}

const defaultPrefetch = 20

/**
 * Moves JSON between the parts of a system over any broker. The scheme of the URL selects the
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
   * Several URLs, or one string with commas between URLs, are the nodes of one cluster. The
   * constructor opens nothing.
   */
  constructor(url: string | readonly string[], options: DistributorOptions = {}) {
    this.#urls = typeof url === 'string' ? splitUrls(url) : url
    this.#options = options
  }

  /** Loads the driver and connects. `publish` and `subscribe` call it if necessary. */
  async connect(): Promise<void> {
    await this.#connected()
  }

  /**
   * Closes the subscriptions and the connections. Idempotent. A closed distributor may connect
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

  /**
   * Resolves when the broker has accepted the message, with or without subscribers on the topic.
   */
  async publish(data: unknown, topic: string): Promise<void> {
    checkTopic(topic)
    const { contentType, encode } = this.#bodies
    const body = encode(data)
    if (body === undefined) throw badInput('data', `expected a value that ${contentType} can hold, got ${typeof data}`)
    const driver = await this.#connected()
    const properties = { contentType, messageId: newMessageId(), timestamp: Date.now() }
    await driver.publish(topic, Buffer.from(body), properties)
  }

  /**
   * A topic is words separated by dots; `*` matches one word and `#` any number of words. Resolves
   * when the subscription is active. If the callback rejects, the message is delivered again, up to
   * `maxRedeliveries` times. After that it is dead-lettered.
   */
  async subscribe(
    callback: Callback,
    topics: string | readonly string[],
    options: SubscriptionOptions = {},
  ): Promise<Subscription> {
    const uniqueTopics = [...new Set(typeof topics === 'string' ? [topics] : topics)]
    if (uniqueTopics.length === 0) throw badInput('topics', 'expected at least one topic')
    uniqueTopics.forEach(checkTopic)
    const { subscriberGroup = '', prefetch = defaultPrefetch, onPoison = () => {} } = options
    if (Buffer.byteLength(subscriberGroup) > 100) throw badInput('subscriberGroup', 'expected at most 100 bytes')
    if (!Number.isInteger(prefetch) || prefetch < 1 || prefetch > 65_535) {
      throw badInput('prefetch', `expected 1 to 65535, got ${prefetch}`)
    }
    const driver = await this.#connected()
    return driver.subscribe(uniqueTopics, receiver(callback, this.#bodies), {
      group: subscriberGroup || undefined,
      prefetch,
      onPoison,
    })
  }

  /** Publishes a snapshot or user information, depending on the shape of the data. */
  async publishServer(data: unknown): Promise<void> {
    if (topicsOfSnapshot(data)) return this.publishRawSnapshot(data)
    if (isUserInformation(data)) return this.publishUser(data)
    throw badInput(
      'data',
      'expected a snapshot (an object with `topics`) or user information (an object with the id or the name of a user), got neither',
    )
  }

  /** Publishes on the topic `user`. */
  publishUser(data: unknown): Promise<void> {
    return this.publish(data, 'user')
  }

  /** Publishes the whole snapshot on `raw.X` for each topic X in it. */
  async publishRawSnapshot(data: unknown): Promise<void> {
    const topics = topicsOfSnapshot(data)
    if (!topics) throw badInput('data', 'expected a snapshot: an object with `topics`')
    await Promise.all(topics.map((topic) => this.publish(data, `raw.${topic}`)))
  }

  /** Publishes on `parsed.TOPIC`. */
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

/** Splits `amqp://a,amqp://b`. A comma that is not followed by a scheme is part of the URL. */
export function splitUrls(text: string): string[] {
  return text.split(/,(?=\s*[a-z][a-z0-9+.-]*:)/i).map((url) => url.trim())
}

function checkTopic(topic: string): void {
  if (typeof topic !== 'string' || topic === '') throw badInput('topic', 'expected a non-empty string')
  checkShortString('topic', topic)
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** How bodies are encoded and decoded. */
interface Bodies {
  readonly contentType: string
  /** Returns undefined if the data cannot be encoded. */
  readonly encode: (data: unknown) => string | undefined
  /** Throws if the text is not in this format. */
  readonly decode: (text: string) => unknown
}

const json: Bodies = {
  contentType: 'application/json',
  encode: (data) => JSON.stringify(data),
  decode: parseWithRightKeys,
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
      throw new Undeliverable(`the message on "${message.routingKey}" is not valid ${contentType}`, { cause: error })
    }
    await callback(data, message.routingKey, message)
  }
}
