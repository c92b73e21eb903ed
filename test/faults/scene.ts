import { expect } from '@jest/globals'
import amqp, { type Channel } from 'amqplib'
import { type Heard, settle } from '../ledger/accounts.ts'
import { CarefulPublisher } from '../ledger/careful-publisher.ts'
import { pause } from '../ledger/pause.ts'
import { eventually } from '../support/eventually.ts'
import { connectGraphql, type GraphqlClient } from '../support/frames/graphql-frames.ts'
import { type GatewayProcess, startGateway, testToken } from '../support/gateway/gateway-process.ts'

/**
 * What the gateway promises, in milliseconds: delivery is back so soon after the broker is, and
 * readiness says no so soon after a fault shows.
 */
export const promised = { back: 5_000, unready: 2_000 }
/**
 * The tests share two cores with others, so that what a quiet machine does in time may take longer
 * here.
 */
const inHand = 3

const channelQuery = `subscription ($after: Cursor) {
  channel(clientId: "alice", after: $after) { kind cursor data gap { reason } }
}`
const paceMs = 40
const probeMs = 20

interface Event {
  readonly kind: string
  readonly cursor: string
  readonly data: { readonly number: number } | null
  readonly gap: { readonly reason: string } | null
}

/**
 * A client that listens all the while and a careful back end that publishes number after number
 * straight to the broker, while a test breaks things between the gateway and its broker. Everything
 * that is confirmed is accounted for in the end.
 */
export class Scene {
  readonly gateway: GatewayProcess
  readonly client: GraphqlClient
  readonly publisher: CarefulPublisher
  readonly heard: Heard[] = []
  /** Of the last event. */
  cursor = ''
  readonly #brokerUrls: readonly string[]
  readonly #confirmed: number[] = []
  readonly #probes: { readonly at: number; readonly ready: boolean; readonly alive: boolean }[] = []
  #number = 0
  #running = true
  #closed: string | undefined
  #work: Promise<unknown> = Promise.resolve()

  constructor(gateway: GatewayProcess, client: GraphqlClient, brokerUrls: readonly string[]) {
    this.gateway = gateway
    this.client = client
    this.#brokerUrls = brokerUrls
    this.publisher = new CarefulPublisher(brokerUrls)
    void client.closed.then(({ code, reason }) => {
      this.#closed = `${code} ${reason}`
    })
  }

  /**
   * `env` names the broker as the gateway reaches it, `brokerUrls` its nodes as the back end does.
   */
  static async open(env: Readonly<Record<string, string>>, ...brokerUrls: readonly string[]): Promise<Scene> {
    const gateway = await startGateway({ env })
    try {
      const token = await testToken({ sub: 'alice' })
      const client = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token } })
      const scene = new Scene(gateway, client, brokerUrls)
      await scene.#begin()
      return scene
    } catch (error) {
      await gateway[Symbol.asyncDispose]()
      throw error
    }
  }

  async #begin(): Promise<void> {
    const operation = this.client.subscribe(channelQuery)
    const listen = async (): Promise<void> => {
      for (;;) this.#take((await operation.next(24 * 3_600_000)).data?.['channel'] as Event)
    }
    void listen().catch(() => {})
    // Without a cursor, live begins when the subscription stands, and nobody says when: the first
    // number that comes does.
    await eventually('the subscription to stand', async () => {
      await this.#publishNext()
      return this.heard.length > 0
    })
    this.heard.length = 0
    this.#confirmed.length = 0
    this.#work = Promise.all([this.#produce(), this.#probe()])
  }

  /** A channel on the broker itself, to break things with. */
  async onBroker(work: (channel: Channel) => Promise<unknown>): Promise<void> {
    const connection = await amqp.connect(this.#brokerUrls[0] ?? '')
    connection.on('error', () => {})
    await work(await connection.createChannel())
    await connection.close().catch(() => {})
  }

  /**
   * Waits until readiness has said no after `from`, and holds it to what is promised; gives after
   * how many milliseconds since `shown`.
   */
  async unready(from: number, shown: number): Promise<number> {
    const no = () => this.#probes.find(({ at, ready }) => at >= from && !ready)
    const { at } = await eventually('readiness to say no', no, { withinMs: promised.unready * inHand + 10_000 })
    expect(at - shown).toBeLessThan(promised.unready * inHand)
    return at - shown
  }

  /** Waits until readiness says no for this reason. */
  async reason(pattern: RegExp): Promise<void> {
    const says = async (): Promise<boolean> => {
      const response = await fetch(`http://127.0.0.1:${this.gateway.opsPort}/readyz`)
      return pattern.test(await response.text())
    }
    await eventually(`readiness to say ${String(pattern)}`, says, { withinMs: 30_000 })
  }

  /**
   * Waits until it is ready and what is published now comes; gives after how many milliseconds
   * since the moment, and holds it to what is promised.
   */
  async back(moment: number): Promise<number> {
    await this.gateway.ready(60_000)
    const number = this.#number + 1
    const came = () => this.heard.some((one) => one.kind === 'event' && one.number >= number)
    await eventually(`number ${number}`, came, { withinMs: 60_000 })
    const took = Date.now() - moment
    expect(took).toBeLessThan(promised.back * inHand)
    return took
  }

  /** Waits until so many numbers are confirmed that have not come. */
  async behind(numbers: number): Promise<void> {
    const last = () => this.heard.findLast((one) => one.kind === 'event')?.number ?? 0
    await eventually(`the client to be ${numbers} behind`, () => (this.#confirmed.at(-1) ?? 0) - last() >= numbers, {
      withinMs: 60_000,
    })
  }

  get gaps(): string[] {
    return this.heard.flatMap((one) => (one.kind === 'gap' ? [one.reason] : []))
  }

  /**
   * Every number confirmed so far has come once and in order or lies in a gap, the socket never
   * closed, and the process always said that it lives.
   */
  async account(): Promise<void> {
    const confirmed = [...this.#confirmed]
    const last = confirmed.at(-1) ?? 0
    const came = () => this.heard.some((one) => one.kind === 'event' && one.number >= last)
    await eventually(`number ${last}`, came, { withinMs: 30_000 })
    const balance = settle({ client: 'alice', confirmed, heard: this.heard }, this.#number)
    expect(balance).toMatchObject({ lost: [], doubled: [], misordered: [], invented: [] })
    if (this.gaps.length === 0) expect(balance.inGaps).toBe(0)
    expect(this.#closed).toBeUndefined()
    expect(this.#probes.filter(({ alive }) => !alive)).toEqual([])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false
    await this.publisher.close()
    await this.#work.catch(() => {})
    await this.client[Symbol.asyncDispose]()
    await this.gateway[Symbol.asyncDispose]()
  }

  #take(event: Event): void {
    this.cursor = event.cursor
    if (event.kind === 'GAP') this.heard.push({ kind: 'gap', reason: event.gap?.reason ?? 'none' })
    else if (event.kind === 'MESSAGE') this.heard.push({ kind: 'event', number: event.data?.number ?? -1 })
  }

  async #produce(): Promise<void> {
    while (this.#running) {
      await this.#publishNext()
      await pause(paceMs)
    }
  }

  async #publishNext(): Promise<void> {
    this.#number += 1
    const number = this.#number
    await this.publisher.publish({
      exchange: 'warren.events',
      routingKey: 'client.alice',
      body: Buffer.from(JSON.stringify({ number })),
      messageId: `alice-${number}`,
    })
    this.#confirmed.push(number)
  }

  async #probe(): Promise<void> {
    const answers = (path: string): Promise<boolean> =>
      fetch(`http://127.0.0.1:${this.gateway.opsPort}${path}`).then(
        async (response) => {
          await response.arrayBuffer()
          return response.ok
        },
        () => false,
      )
    while (this.#running) {
      const at = Date.now()
      const [ready, alive] = await Promise.all([answers('/readyz'), answers('/livez')])
      this.#probes.push({ at, ready, alive })
      await pause(probeMs)
    }
  }
}
