import type { ConfirmChannel } from 'amqplib'
import { testToken } from '../../support/gateway/gateway-process.ts'
import { CarefulPublisher } from '../careful-publisher.ts'
import { pause } from '../pause.ts'
import type { Seeded } from '../seeded.ts'
import { type Book, type BookKind, offsetOf } from './books.ts'
import type { GatewayReplica } from './replicas.ts'

const eventsExchange = 'warren.events'
/** The exchange of the buffered source. */
export const bufferedExchange = 'ledger.buffered'
const elsewhere = 'ledger.elsewhere'
/** The most messages outside the journal that the shared channel carries. */
const maxElsewhere = 4
/** A back end changes to the next node after this long without an answer of RabbitMQ. */
const answerMs = 5_000
/** Longer than the gateway waits for RabbitMQ. */
const publishMs = 15_000

const idempotencyHeader = 'x-warren-idempotency-key'

/** Publishes the next number of a book. False if it gave up, so that the result is unknown. */
type Publish = (book: Book, number: number) => Promise<boolean>

/** All publishers of a run, as they exist in production. */
export class Publishers {
  /** The number of repeated publications. */
  get retries(): number {
    return this.#republished + this.#all.reduce((sum, { retries }) => sum + retries, 0)
  }

  readonly #replicas: readonly GatewayReplica[]
  readonly #random: Seeded
  readonly #all: CarefulPublisher[]
  readonly #byKind: Record<BookKind, Publish>
  readonly #ending: AbortController
  #token = ''
  #fields = 'messageId'
  #republished = 0

  constructor(urls: readonly string[], replicas: readonly GatewayReplica[], random: Seeded) {
    this.#replicas = replicas
    this.#random = random
    this.#ending = new AbortController()
    const nodes = urls.map((url) => `${url}?heartbeat=5`)
    const careful = { answerMs, replaceReturned: true }
    const clean = new CarefulPublisher(nodes, careful)
    const shared = new CarefulPublisher(nodes, { answerMs, onChannel: (channel) => this.#share(channel) })
    const buffered = new CarefulPublisher(nodes, careful)
    this.#all = [clean, shared, buffered]
    const withKey =
      (publisher: CarefulPublisher): Publish =>
      (book, number) =>
        done(publisher.publish({ ...direct(book, number), headers: { [idempotencyHeader]: idOf(book, number) } }))
    this.#byKind = {
      'clean channel, key': withKey(clean),
      'clean channel, id': (book, number) => done(clean.publish(direct(book, number))),
      'shared channel': withKey(shared),
      'publish, retried': (book, number) => this.#retried(book, number),
      'publish, once': (book, number) => this.#mutation(book, number),
      'buffered, id': (book, number) =>
        done(buffered.publish({ ...throughBuffer(book, number), messageId: idOf(book, number) })),
      'buffered, no id': (book, number) => done(buffered.publish((attempt) => throughBuffer(book, number, attempt))),
    }
  }

  async open(): Promise<void> {
    this.#token = await testToken({ sub: 'backend', scope: 'publish' }, { ttl: '7d' })
    const query = '{ __type(name: "PublishPayload") { fields { name } } }'
    const { __type } = (await this.#ask({ query }, this.#replicas[0]?.graphqlUrl ?? '')) as {
      __type: { fields: { name: string }[] }
    }
    if (__type.fields.some(({ name }) => name === 'cursor')) this.#fields = 'messageId cursor'
  }

  async publish(book: Book, number: number): Promise<void> {
    book.attempted = number
    if (await this.#byKind[book.kind](book, number)) book.accept(number)
  }

  async close(): Promise<void> {
    this.#ending.abort()
    await Promise.all(this.#all.map((publisher) => publisher.close()))
  }

  /**
   * A back end that uses one channel for everything: a few messages go to another queue, and some
   * are returned. Only a few, because a channel that has confirmed more elsewhere than it has in
   * flight loses nothing: RabbitMQ then answers none of the publications in flight, and the back
   * end changes nodes.
   */
  #share(channel: ConfirmChannel): void {
    const noAnswer = (): void => {}
    const share = async (): Promise<void> => {
      // A classic queue would vanish with its node, and declaring it would close the channel.
      await channel.assertQueue(elsewhere, { arguments: { 'x-queue-type': 'quorum', 'x-max-length': 1_000 } })
      const count = Math.floor(this.#random.between(1, maxElsewhere + 1))
      for (let index = 0; index < count; index += 1) {
        const queue = this.#random.pick([elsewhere, 'ledger.nowhere'])
        channel.publish('', queue, Buffer.from('elsewhere'), { mandatory: true, persistent: true }, noAnswer)
      }
    }
    share().catch(() => {})
  }

  /** Repeats with the same key until one replica has resolved it. */
  async #retried(book: Book, number: number): Promise<boolean> {
    while (!this.#ending.signal.aborted) {
      if (await this.#mutation(book, number, idOf(book, number))) return true
      this.#republished += 1
      await pause(this.#random.between(50, 250))
    }
    return false
  }

  async #mutation(book: Book, number: number, idempotencyKey?: string): Promise<boolean> {
    const query = `mutation ($input: PublishInput!) { publish(input: $input) { ${this.#fields} } }`
    const input = { clientId: book.client, data: { client: book.client, number }, idempotencyKey }
    try {
      const data = await this.#ask({ query, variables: { input } }, this.#random.pick(this.#replicas).graphqlUrl)
      const { cursor } = (data as { publish: { cursor?: string | null } }).publish
      if (cursor) book.places.push({ number, offset: offsetOf(cursor) })
      return true
    } catch {
      return false
    }
  }

  #ask(body: object, url: string): Promise<unknown> {
    return askGraphql(url, body, this.#token, publishMs)
  }
}

/** Resolves to the data; rejects if the answer has errors. */
export async function askGraphql(url: string, body: object, token?: string, withinMs = publishMs): Promise<unknown> {
  const authorization = token === undefined ? undefined : { authorization: `Bearer ${token}` }
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorization },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(withinMs),
  })
  const { data, errors } = (await response.json()) as { data?: unknown; errors?: unknown }
  if (errors !== undefined) throw new Error(JSON.stringify(errors))
  return data
}

function idOf({ client }: Book, number: number): string {
  return `${client}-${number}`
}

function direct(book: Book, number: number) {
  const { client } = book
  return {
    exchange: eventsExchange,
    routingKey: `client.${client}`,
    body: Buffer.from(JSON.stringify({ client, number })),
    messageId: idOf(book, number),
  }
}

function throughBuffer({ client }: Book, number: number, attempt?: number) {
  const body = Buffer.from(JSON.stringify({ client, number, ...(attempt === undefined ? {} : { attempt }) }))
  return { exchange: bufferedExchange, routingKey: `b.${client}`, body }
}

function done(publishing: Promise<void>): Promise<boolean> {
  return publishing.then(
    () => true,
    () => false,
  )
}
